// @ts-check
// A large installation, made by the product itself where it is quick enough: a user with many recipients to whom ten runs
// have been sent, and ten articles.
import { setTimeout as sleep } from 'node:timers/promises';
import { using } from '../installation.mjs';
import { addRecipients } from '../mailing.mjs';

export const RECIPIENTS = 100_000;
const RUNS = 10;
const ARTICLES = 10;
const POLL_MS = 200;
const EMAIL = 'bench@example.org';
const PASSWORD = 'a password for the bench alone';

/**
 * @param {string} site
 * @param {string} databaseUrl
 */
export async function fill(site, databaseUrl) {
  await ask(site, 'POST', '/auth/sign-up', {}, { email: EMAIL, password: PASSWORD });
  await using(databaseUrl, async (database) => {
    const owner = await database.query('UPDATE users SET confirmed_at = now() RETURNING id');
    await addRecipients(database, owner.rows[0].id, RECIPIENTS);
    await writeArticles(site, database);
    await database.query('VACUUM ANALYZE');
  });
  const headers = await signIn(site);
  const text = {
    subject: 'News for {{ full_name }}',
    html: '',
    text: 'Dear {{ full_name }}, news.',
  };
  const message = await ask(site, 'POST', '/messages', headers, text);
  for (let n = 0; n < RUNS; n += 1)
    await finished(site, headers, await mail(site, headers, message.id));
  await using(databaseUrl, (database) => database.query('VACUUM ANALYZE'));
}

/**
 * Staff alone write articles.
 * @param {string} site
 * @param {import('pg').Client} database
 */
async function writeArticles(site, database) {
  const role = (/** @type {string} */ name) => database.query('UPDATE users SET role = $1', [name]);
  await role('manager');
  const headers = await signIn(site);
  for (let n = 1; n <= ARTICLES; n += 1) {
    const draft = { title: `Letter ${n}`, html: `<p>${'What is new with us. '.repeat(50)}</p>` };
    const article = await ask(site, 'POST', '/articles', headers, draft);
    await ask(site, 'POST', `/articles/${article.id}/publish`, headers);
  }
  await role('user');
}

/**
 * Begins so many mailings to everybody; says when they are done.
 * @param {string} site
 * @param {number} mailings
 */
export async function sendToAll(site, mailings) {
  const headers = await signIn(site);
  const { items } = await ask(site, 'GET', '/messages', headers);
  /** @type {number[]} */ const ids = [];
  for (let n = 0; n < mailings; n += 1) ids.push(await mail(site, headers, items[0].id));
  const done = { yet: false, fault: /** @type {unknown} */ (undefined) };
  void Promise.all(ids.map((id) => finished(site, headers, id)))
    .catch((fault) => (done.fault = fault))
    .finally(() => (done.yet = true));
  return done;
}

/**
 * A mailing to everybody, due now.
 * @param {string} site
 * @param {Headers} headers
 * @param {number} message_id
 */
async function mail(site, headers, message_id) {
  const when = { starts_at: new Date(), recurrence: 'once', time_zone: 'UTC' };
  const mailing = { ...when, message_id, recipients: { all: true } };
  return (await ask(site, 'POST', '/mailings', headers, mailing)).id;
}

/**
 * @param {string} site
 * @param {Headers} headers
 * @param {number} id
 */
async function finished(site, headers, id) {
  for (;;) {
    const mailing = await ask(site, 'GET', `/mailings/${id}`, headers);
    const { counts } = mailing.last_run ?? {};
    if (mailing.status === 'completed') {
      if (counts?.accepted !== RECIPIENTS)
        throw new Error(`mailing ${id}: ${counts?.accepted} mails of ${RECIPIENTS} were accepted`);
      return;
    }
    await sleep(POLL_MS);
  }
}

/** @typedef {Record<string, string>} Headers */

/**
 * @param {string} site
 * @returns {Promise<Headers>}
 */
export async function signIn(site) {
  const who = { email: EMAIL, password: PASSWORD };
  const { access_token } = await ask(site, 'POST', '/auth/sign-in', {}, who);
  return { Authorization: `Bearer ${access_token}` };
}

/**
 * @param {string} site
 * @param {string} method
 * @param {string} at
 * @param {Headers} headers
 * @param {object} [body]
 */
async function ask(site, method, at, headers, body) {
  const answer = await fetch(`${site}/api/v1${at}`, {
    method,
    headers: { ...headers, ...(body && { 'Content-Type': 'application/json' }) },
    body: body && JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${at}: ${answer.status} ${text}`);
  return text ? JSON.parse(text) : undefined;
}
