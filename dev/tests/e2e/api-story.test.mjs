// @ts-check
// The whole story over the API alone, through a client generated from openapi.json: from sign-up to the log.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as api from '../../.generated/api/index.js';
import { client } from '../../.generated/api/client.gen.js';
import { eventually, mailsTo, mailTo } from './catcher.mjs';

const PASSWORD = 'сорок-две берёзы';
const SUBJECT = 'Осенний каталог';
const run = Date.now().toString(36);

/** An address of this run alone. @param {string} name */
const address = (name) => `${name}.${run}@example.com`;

const ANNA = address('anna');
const PEOPLE = [
  { email: address('ivan'), full_name: 'Иван Петров' },
  { email: address('maria'), full_name: 'Мария Смирнова' },
];

test('a program signs up, mails two people, finds both answers in the log and signs out', async () => {
  client.setConfig({ baseUrl: process.env.E2E_BASE_URL ?? 'http://127.0.0.1:8000' });
  await signUp();
  const { token, cookie } = await signIn();
  client.setConfig({ auth: token });

  const recipients = [];
  for (const body of PEOPLE) recipients.push(await answer(api.createRecipient({ body }), 201));
  const message = await writeMessage(recipients[0]?.id);
  const mailing = await mailNow(message.id);
  const finished = await eventually('the end of the run', async () => finishedRun(mailing.id));
  assert.deepEqual([finished.counts.total, finished.counts.accepted], [2, 2]);

  for (const { email, full_name } of PEOPLE) await assertMailed(email, full_name);
  await assertLogged(mailing.id, recipients);
  await signOut(cookie);
});

async function signUp() {
  const person = { email: ANNA, password: PASSWORD, full_name: 'Анна Ковалёва' };
  await answer(
    api.signUp({ body: { ...person, language: 'ru', time_zone: 'Europe/Moscow' } }),
    202,
  );
  assert.equal(await refusal(signInAs(ANNA), 401), 'invalid_credentials'); // not confirmed yet
  const { text } = await mailTo(ANNA);
  const token = /\/confirm#token=([\w~.-]+)/.exec(text)?.[1] ?? assert.fail(`no link in: ${text}`);
  await answer(api.confirmAddress({ body: { token } }), 204);
  assert.equal(await refusal(api.confirmAddress({ body: { token } }), 422), 'token_invalid');
}

async function signIn() {
  const call = signInAs(ANNA);
  const { access_token, user } = await answer(call, 200);
  assert.equal(user.email, ANNA);
  const [cookie = ''] = (await call).response?.headers.getSetCookie() ?? [];
  return { token: access_token, cookie: cookie.split(';')[0] ?? '' };
}

/** @param {string} email */
function signInAs(email) {
  return api.signIn({ body: { email, password: PASSWORD } });
}

/** @param {number | undefined} recipient_id  for whom the preview is */
async function writeMessage(recipient_id) {
  const body = {
    subject: SUBJECT,
    html: '<p>Здравствуйте, {{ full_name }}!</p>',
    text: 'Здравствуйте, {{ full_name }}!',
  };
  const message = await answer(api.createMessage({ body }), 201);
  const call = api.previewMessage({ path: { id: message.id }, body: { recipient_id } });
  const preview = await answer(call, 200);
  assert.equal(preview.subject, SUBJECT);
  assert.match(preview.html, /Здравствуйте, Иван Петров!/);
  assert.equal(preview.text, 'Здравствуйте, Иван Петров!');
  return message;
}

/** @param {number} message_id */
function mailNow(message_id) {
  const starts_at = new Date().toISOString();
  const schedule = {
    starts_at,
    recurrence: /** @type {const} */ ('once'),
    time_zone: 'Europe/Moscow',
  };
  const body = { message_id, ...schedule, recipients: { all: true } };
  return answer(api.createMailing({ body }), 201);
}

/** @param {number} mailingId */
async function finishedRun(mailingId) {
  const { items } = await answer(api.listMailingRuns({ path: { id: mailingId } }), 200);
  assert.ok(items.length <= 1, 'a mailing of one occurrence has one run');
  const [{ id = 0 } = {}] = items;
  if (!id) return undefined;
  const found = await answer(api.getRun({ path: { id } }), 200);
  return found.status === 'finished' ? found : undefined;
}

/**
 * @param {string} email
 * @param {string} name
 */
async function assertMailed(email, name) {
  const mails = await mailsTo(email);
  assert.equal(mails.length, 1);
  const [mail = assert.fail()] = mails;
  assert.deepEqual(mail.to, [{ address: email, name }]);
  assert.equal(mail.subject, SUBJECT);
  assert.match(mail.html, new RegExp(`Здравствуйте, ${name}!`));
  assert.match(mail.text, new RegExp(`Здравствуйте, ${name}!`));
}

/**
 * @param {number} mailing_id
 * @param {api.Recipient[]} recipients
 */
async function assertLogged(mailing_id, recipients) {
  const { items } = await answer(api.listAttempts({ query: { mailing_id } }), 200);
  assert.equal(items.length, recipients.length);
  for (const { id, email } of recipients) {
    const attempt = items.find(({ recipient }) => recipient.id === id) ?? assert.fail(email);
    assert.equal(attempt.recipient.email, email);
    assert.deepEqual([attempt.ok, attempt.outcome, attempt.attempt_no], [true, 'accepted', 1]);
    assert.equal(attempt.smtp_code, 250);
    assert.match(attempt.response, /\S/);
  }
}

/** @param {string} cookie */
async function signOut(cookie) {
  await answer(api.getMe(), 200);
  await answer(api.signOut({ headers: { cookie } }), 204);
  assert.equal(await refusal(api.getMe(), 401), 'unauthenticated');
  assert.equal(await refusal(api.refreshSession({ headers: { cookie } }), 401), 'unauthenticated');
}

/**
 * What a call brought, when it was answered as it should be.
 * @template T
 * @param {Promise<{ data: T, error: unknown, response?: Response }>} call
 * @param {number} status
 * @returns {Promise<NonNullable<T>>}
 */
async function answer(call, status) {
  const { data, error, response } = await call;
  assert.equal(response?.status, status, JSON.stringify(error));
  return /** @type {NonNullable<T>} */ (data); // nothing where the document says so
}

/**
 * The code of the problem that a call was refused with.
 * @param {Promise<{ error: unknown, response?: Response }>} call
 * @param {number} status
 */
async function refusal(call, status) {
  const { error, response } = await call;
  assert.equal(response?.status, status);
  return /** @type {api.Problem} */ (error).code;
}
