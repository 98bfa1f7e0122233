// @ts-check
// What `make test` checks, one function for each part of the tree; each throws at the first red.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { serve, settings } from './backend.mjs';
import { buildPage, DEV, FRONTEND, installPackages, program, ROOT } from './build.mjs';
import { checkContainers, postgresTools } from './containers/tools.mjs';
import { startMailCatcher } from './mail.mjs';
import { anyPorts } from './ports.mjs';
import { tail } from './processes.mjs';
import { startRedis } from './redis.mjs';
import { chromium } from './requirements.mjs';

/**
 * @typedef {object} Session
 * @property {import('./processes.mjs').Supervisor} supervisor
 * @property {() => Promise<(database: string) => string>} postgres  starts the server at the first call
 * @property {string[]} totals  what the runners said at their ends
 */
/** @typedef {Partial<import('./processes.mjs').Job> & { totals?: RegExp }} Options */

const DOCUMENT = path.join(ROOT, 'openapi/openapi.json');
/** A line for each request would push what went wrong out of what is shown of the log. */
const QUIET = 'info,dispatch::monitoring::requests=warn';
const TEST_RESULT = /^test result: (?!ok\. 0 passed; 0 failed; 0 ignored)/;
const VITEST_TOTALS = /^\s*(Test Files|Tests)  /;
const NODE_TOTALS = /^ℹ (tests|pass|fail) /;
const PLAYWRIGHT_TOTALS = /^\s*\d+ (passed|failed|flaky|skipped|did not run)/;

/** @param {Session} session */
export async function lintRust(session) {
  await check(session, 'cargo fmt --check');
  await check(session, 'cargo clippy --locked --all-targets -- -D warnings');
}

/** @param {Session} session */
export async function testRust(session) {
  const databaseUrl = (await session.postgres())('postgres');
  const [redisPort = 0] = await anyPorts(1);
  const redisUrl = await startRedis(session.supervisor, redisPort);
  const tools = await postgresTools(session.supervisor);
  const env = { ...process.env, DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, PG_TOOLS: tools };
  await check(session, 'cargo test --locked', { env, totals: TEST_RESULT });
}

/** @param {Session} session */
export async function checkDocument(session) {
  session.supervisor.say('openapi/openapi.json against the code');
  const committed = fs.existsSync(DOCUMENT) ? fs.readFileSync(DOCUMENT, 'utf8') : '';
  if ((await describeApi(session.supervisor)) !== committed)
    throw new Error('openapi/openapi.json is not what the code says: run `make generate`');
}

/** @param {import('./processes.mjs').Supervisor} supervisor */
export async function generate(supervisor) {
  const document = await describeApi(supervisor);
  fs.mkdirSync(path.dirname(DOCUMENT), { recursive: true });
  fs.writeFileSync(DOCUMENT, document);
  await installPackages(supervisor, FRONTEND);
  await supervisor.step({
    name: 'api:gen',
    command: ['npm', 'run', '--silent', 'api:gen'],
    cwd: FRONTEND,
  });
}

/** @param {Session} session */
export async function lintFrontend(session) {
  await installPackages(session.supervisor, FRONTEND);
  for (const script of ['format', 'lint', 'typecheck', 'api:check'])
    await check(session, `npm run --silent ${script}`, { cwd: FRONTEND });
}

/** @param {Session} session */
export async function testFrontend(session) {
  await installPackages(session.supervisor, FRONTEND);
  await check(session, 'npm run --silent test', { cwd: FRONTEND, totals: VITEST_TOTALS });
  await buildPage(session.supervisor);
}

/** @param {Session} session */
export async function lintDev(session) {
  await installPackages(session.supervisor, DEV);
  for (const script of ['format', 'typecheck'])
    await check(session, `npm run --silent ${script}`, { cwd: DEV });
}

/** @param {Session} session */
export async function lintContainers({ supervisor }) {
  supervisor.say('docker-compose.yml against its schema, Dockerfiles against hadolint');
  await checkContainers(supervisor);
}

/** @param {Session} session */
export async function testDev(session) {
  await installPackages(session.supervisor, DEV);
  await check(session, 'npm run --silent test', { cwd: DEV, totals: NODE_TOTALS });
}

/** Enough to meet every operation in every role, in about a minute; all border cases as whoever may do most. */
const GLANCE = { seeds: [1], examples: 4, thorough: ['admin'] };

/**
 * The API against its own document, in a database of its own. No mail leaves: nobody listens where it would go.
 * @param {Session} session
 * @param {Pick<import('./contract/roles.mjs').Extent, 'seeds' | 'examples' | 'thorough'>} [extent]
 */
export async function testContract(session, extent = GLANCE) {
  const { supervisor } = session;
  await check(session, 'cargo build --locked');
  const server = await session.postgres();
  const { checkContract, createDatabase } = await import('./contract/roles.mjs'); // needs the packages
  const databaseUrl = await createDatabase(server, 'contract');
  const [port = 0] = await anyPorts(1);
  const log = path.join(supervisor.home, 'contract-backend.log');
  const services = { port, databaseUrl, smtpUrl: 'smtp://127.0.0.1:9' };
  /** @type {NodeJS.ProcessEnv} */
  const env = {
    ...settings(services, randomBytes(48).toString('base64url')),
    LIMITS: '0',
    RUST_LOG: QUIET,
  };
  delete env.FRONTEND_DIR;
  const backend = program('debug');
  await supervisor.step({ name: 'dispatch migrate', command: [backend, 'migrate'], env, log });
  const pid = await serve(supervisor, { command: [backend, 'serve'], env, log });
  const url = env.PUBLIC_URL ?? '';
  await checkContract(supervisor, { url, databaseUrl, ...extent }).catch((fault) => {
    throw new Error(`${fault.message}${tail(log)}`);
  });
  await supervisor.halt(pid);
}

/**
 * The whole story, over the API alone and in a real browser, against the backend as people run it.
 * @param {Session} session
 */
export async function testEndToEnd(session) {
  const { supervisor } = session;
  await buildPage(supervisor);
  await check(session, 'cargo build --locked');
  const log = path.join(supervisor.home, 'backend.log');
  const { url, mailUrl, admin, own } = await startBackend(session, log);
  const env = {
    ...process.env,
    E2E_BASE_URL: url,
    E2E_MAIL_URL: mailUrl,
    E2E_ADMIN_EMAIL: admin.ADMIN_EMAIL,
    E2E_ADMIN_PASSWORD: admin.ADMIN_PASSWORD,
    E2E_OWN_SMTP_PORT: String(own.smtpPort),
    E2E_OWN_SMTP_PASSWORD: own.password,
    E2E_OWN_MAIL_URL: own.webUrl,
    CHROMIUM: chromium(),
  };
  for (const options of [
    { cwd: DEV, env, totals: NODE_TOTALS },
    { cwd: FRONTEND, env, totals: PLAYWRIGHT_TOTALS },
  ])
    await check(session, 'npm run --silent e2e', options).catch((fault) => {
      throw new Error(`${fault.message}${tail(log)}`);
    });
}

/**
 * @param {Session} session
 * @param {string} log
 */
async function startBackend({ supervisor, postgres }, log) {
  const [port = 0, smtpPort = 0, webPort = 0] = await anyPorts(3);
  const own = await startOwnServer(supervisor);
  const databaseUrl = (await postgres())('dispatch');
  const { smtpUrl, webUrl } = await startMailCatcher(supervisor, smtpPort, webPort);
  const services = { port, databaseUrl, smtpUrl, mailWebUrl: webUrl };
  /** @type {NodeJS.ProcessEnv} */
  const env = {
    ...settings(services, randomBytes(48).toString('base64url')),
    POLL_INTERVAL_MS: '200', // a test waits for the engine no longer than it must
    LIMITS: '0', // several people sign up from one address
    SMTP_RATE: '25', // a few hundred mails take long enough to be stopped on their way, on a busy machine too
    OWN_SMTP_NETWORKS: '127.0.0.0/8',
    OWN_SMTP_PORTS: `25,465,587,2525,${own.smtpPort}`,
    RUST_LOG: QUIET,
  };
  const backend = program('debug');
  await supervisor.step({ name: 'dispatch migrate', command: [backend, 'migrate'], env, log });
  const admin = {
    ADMIN_EMAIL: 'admin@example.org',
    ADMIN_PASSWORD: randomBytes(18).toString('base64url'),
  };
  const create = { command: [backend, 'create-admin'], env: { ...env, ...admin }, log };
  await supervisor.step({ name: 'dispatch create-admin', ...create });
  await serve(supervisor, { command: [backend, 'serve'], env, log });
  return { url: env.PUBLIC_URL ?? '', mailUrl: webUrl, admin, own };
}

/**
 * The mail server that a user brings: it wants a password.
 * @param {import('./processes.mjs').Supervisor} supervisor
 */
async function startOwnServer(supervisor) {
  const [smtpPort = 0, webPort = 0] = await anyPorts(2);
  const password = randomBytes(18).toString('base64url');
  const account = { user: 'news', password };
  const { webUrl } = await startMailCatcher(supervisor, smtpPort, webPort, account);
  return { smtpPort, webUrl, password };
}

/** @param {import('./processes.mjs').Supervisor} supervisor */
function describeApi(supervisor) {
  return supervisor.step({
    name: 'dispatch openapi',
    command: ['cargo', 'run', '--locked', '--', 'openapi'],
    cwd: ROOT,
    stdout: 'keep',
  });
}

/**
 * Says what begins, runs it, and keeps its totals.
 * @param {Session} session
 * @param {string} command
 * @param {Options} [options]
 */
async function check({ supervisor, totals: kept }, command, { totals, ...job } = {}) {
  const place = path.basename(job.cwd ?? ROOT);
  const name = job.cwd ? `${command.replace('--silent ', '')} in ${place}/` : command;
  supervisor.say(name);
  const { env = process.env } = job;
  const colours = totals && process.stdout.isTTY && !env.NO_COLOR ? { FORCE_COLOR: '1' } : {};
  const printed = await supervisor.step({
    cwd: ROOT,
    stdout: totals ? 'both' : 'show',
    ...job,
    env: { ...env, ...colours }, // read through us, a runner does not see the terminal
    name,
    command: command.split(' '),
  });
  const lines = stripVTControlCharacters(printed).split('\n');
  const found = totals ? lines.filter((line) => totals.test(line)) : [];
  kept.push(...found.map((line) => `${name}: ${line.trim()}`));
}
