// @ts-check
// The API against its own document, as Schemathesis sees it: as nobody, a user, a manager and an administrator.
import fs from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { DEV } from '../build.mjs';
import { installVenv } from '../venv.mjs';

/** @typedef {import('../processes.mjs').Supervisor} Supervisor */
/**
 * Where to look, and for how long.
 * @typedef {object} Extent
 * @property {string} url
 * @property {string} databaseUrl
 * @property {number[]} seeds
 * @property {number} examples  tried on each operation by the fuzzing and the stateful phase
 * @property {string[]} thorough  the roles that also go through every border case of every field
 */

const HERE = path.join(DEV, 'contract');
const PASSWORD = 'a password for the contract alone';
/** In this order: a manager may block the user, an administrator may take the manager's role away. */
export const ROLES = ['nobody', 'user', 'manager', 'admin'];

/**
 * @param {(database: string) => string} server
 * @param {string} name
 */
export async function createDatabase(server, name) {
  const client = new pg.Client(server('postgres'));
  await client.connect();
  await client.query(`CREATE DATABASE ${name}`).finally(() => client.end());
  return server(name);
}

/**
 * Goes through the API in every role; throws when one of them met something that is not in the document.
 * @param {Supervisor} supervisor
 * @param {Extent} extent
 */
export async function checkContract(supervisor, extent) {
  const venv = await installVenv(supervisor, 'contract', path.join(HERE, 'requirements.txt'));
  const schemathesis = path.join(venv, 'bin/schemathesis');
  const people = ROLES.filter((role) => role !== 'nobody');
  for (const role of people) await signUp(extent, role);
  /** @type {string[]} */ const faults = [];
  for (const role of ROLES)
    for (const seed of extent.seeds) {
      supervisor.say(`schemathesis as ${role}, seed ${seed}`);
      const job = { name: `schemathesis as ${role}, seed ${seed}`, cwd: supervisor.home };
      const command = [schemathesis, ...options(supervisor, extent, role, seed)];
      await supervisor.step({ ...job, command }).catch((fault) => faults.push(fault.message));
      if (role !== 'nobody') await assertStillIn(extent, role);
    }
  if (faults.length > 0) throw new Error(faults.join('\n'));
}

/**
 * @param {Supervisor} supervisor
 * @param {Extent} extent
 * @param {string} role
 * @param {number} seed
 */
function options(supervisor, { url, examples, thorough }, role, seed) {
  const config = path.join(supervisor.home, `schemathesis-${role}.toml`);
  const base = fs.readFileSync(path.join(HERE, 'schemathesis.toml'), 'utf8');
  fs.writeFileSync(config, base + auth(role));
  const coverage = thorough.includes(role) ? ['coverage'] : [];
  return [
    ...['--config-file', config, 'run', `${url}/api/openapi.json`, '--url', url],
    ...['--phases', ['examples', ...coverage, 'fuzzing', 'stateful'].join(',')],
    ...['--seed', String(seed), '--max-examples', String(examples)],
  ];
}

/**
 * Signs in again every five minutes, before the access token expires.
 * @param {string} role
 */
function auth(role) {
  if (role === 'nobody') return '\n[auth]\nauto-signup = false\n';
  return `
[auth.dynamic.openapi.bearer]
path = "/api/v1/auth/sign-in"
payload = { email = "${address(role)}", password = "${PASSWORD}" }
extract_selector = "/access_token"
`;
}

/** @param {string} role */
function address(role) {
  return `${role}@contract.example.org`;
}

/** An administrator whose low id is among the tested ones would remove its own role. */
const FAR_AWAY = 'ALTER TABLE users ALTER COLUMN id RESTART WITH 1000001';

/**
 * An account of this role, and something of every kind for whoever may have it.
 * @param {Extent} extent
 * @param {string} role
 */
async function signUp({ url, databaseUrl }, role) {
  const [email, password] = [address(role), PASSWORD];
  const client = new pg.Client(databaseUrl);
  await client.connect();
  try {
    if (role === 'admin') await client.query(FAR_AWAY);
    await ask(url, 'POST', '/auth/sign-up', { email, password });
    const confirmed = 'UPDATE users SET role = $2, confirmed_at = now() WHERE email = $1';
    await client.query(confirmed, [email, role]);
  } finally {
    await client.end();
  }
  if (role === 'manager') return;
  const token = await signIn(url, role);
  for (const name of ['ada', 'grace', 'edsger'])
    await ask(url, 'POST', '/recipients', { email: `${name}@example.org`, full_name: name }, token);
  const text = { subject: 'News for {{ full_name }}', html: '<p>News</p>', text: 'News' };
  const message = await ask(url, 'POST', '/messages', text, token);
  const schedule = { starts_at: new Date(), recurrence: 'daily', time_zone: 'Europe/Moscow' };
  const mailing = { message_id: message.id, recipients: { all: true }, ...schedule };
  await ask(url, 'POST', '/mailings', mailing, token);
}

/**
 * @param {string} url
 * @param {string} role
 */
async function signIn(url, role) {
  const body = { email: address(role), password: PASSWORD };
  return (await ask(url, 'POST', '/auth/sign-in', body)).access_token;
}

/**
 * Whoever was thrown out on the way has not looked at the rest.
 * @param {Extent} extent
 * @param {string} role
 */
async function assertStillIn({ url }, role) {
  const me = await ask(url, 'GET', '/me', undefined, await signIn(url, role));
  if (me.role !== role) throw new Error(`the ${role} has become a ${me.role} on the way`);
}

/**
 * @param {string} url
 * @param {string} method
 * @param {string} at
 * @param {object} [body]
 * @param {string} [token]
 */
async function ask(url, method, at, body, token) {
  const answer = await fetch(`${url}/api/v1${at}`, {
    method,
    headers: {
      ...(body && { 'Content-Type': 'application/json' }),
      ...(token && { Authorization: `Bearer ${token}` }),
    },
    body: body && JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${at}: ${answer.status} ${text}`);
  return text ? JSON.parse(text) : undefined;
}
