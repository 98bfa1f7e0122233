// @ts-check
// The API part of the bench: pages of a large installation under as much load as they take, beside what the database can
// do with the same statements, with and without the cache; and whether people still get their pages while mails leave.
import fs from 'node:fs';
import path from 'node:path';
import { serve, settings } from '../backend.mjs';
import { anyPorts } from '../ports.mjs';
import { postgresLog } from '../postgres.mjs';
import { startRedis } from '../redis.mjs';
import { flood, trickle } from './api/load.mjs';
import { fill, RECIPIENTS, sendToAll, signIn } from './api/installation.mjs';
import { measureDatabase, statementsOf } from './api/statements.mjs';
import { using } from './installation.mjs';
import { startSink } from './sink.mjs';

/** @typedef {import('./case.mjs').Bench} Bench */
/**
 * @typedef {object} ApiRow
 * @property {string} case
 * @property {number} rps  requests answered per second
 * @property {number} p99_ms
 * @property {number | null} limit_rps  how often the database can be asked the same
 * @property {number | null} ratio_to_limit
 * @property {'off' | 'memory' | 'redis'} cached
 */

const HOME = '/api/v1/home';
const STATS = '/api/v1/stats';
const RECIPIENTS_PAGE = '/api/v1/recipients?per_page=50';
const ATTEMPTS_PAGE = '/api/v1/attempts?limit=50';

/** Without the cache, beside the database. @type {[string, string][]} */
const PAGES = [
  ['home_uncached', HOME],
  ['recipients_100k', RECIPIENTS_PAGE],
  ['attempts_1m', ATTEMPTS_PAGE],
  ['stats', STATS],
];
/** What people open, in turn, while mails leave. */
const BROWSING = [HOME, RECIPIENTS_PAGE, ATTEMPTS_PAGE, STATS, '/api/v1/mailings'];
const PER_SECOND = 200;
/** Long enough for what is in flight. */
const GRACE_SECONDS = 40;

/**
 * @param {Bench} bench
 * @returns {Promise<ApiRow[]>}
 */
export async function measureApi(bench) {
  const { supervisor, program } = bench;
  await using(bench.databaseUrl('postgres'), (client) => client.query('CREATE DATABASE api'));
  const databaseUrl = bench.databaseUrl('api');
  const sink = await startSink(supervisor, { sessions: 16, replyDelayMs: 0 });
  const [port = 0, redisPort = 0] = await anyPorts(2);
  const redisUrl = await startRedis(supervisor, redisPort);
  const journal = path.join(supervisor.home, 'journal');
  supervisor.afterwards(() => fs.rmSync(journal, { recursive: true, force: true }));
  const smtpUrl = `smtp://127.0.0.1:${sink.port}`;
  const env = {
    ...settings({ databaseUrl, smtpUrl, port }, bench.secret),
    ...{ FRONTEND_DIR: '', JOURNAL_DIR: journal, LIMITS: '0', CACHE: 'off' },
    ...{ SMTP_SESSIONS: '16', SMTP_RATE: '0', RUST_LOG: 'warn' },
  };
  const log = `${supervisor.home}/migrate.log`;
  await supervisor.step({ name: 'dispatch migrate', command: [program, 'migrate'], env, log });
  const site = `http://127.0.0.1:${port}`;

  /** @type {<T>(more: NodeJS.ProcessEnv, action: () => Promise<T>) => Promise<T>} */
  const served = async (more, action) => {
    const command = [program, 'serve', '--no-engine'];
    const job = { command, env: { ...env, ...more }, log: `${supervisor.home}/api.log` };
    const pid = await serve(supervisor, job);
    return action().finally(() => supervisor.halt(pid));
  };
  /** @type {<T>(more: NodeJS.ProcessEnv, action: () => Promise<T>) => Promise<T>} */
  const sending = async (more, action) => {
    const pid = await supervisor.start({
      ...{ name: 'the engine', command: [program, 'engine'], env: { ...env, ...more } },
      ...{ log: `${supervisor.home}/engine.log`, grace: GRACE_SECONDS },
    });
    return action().finally(() => supervisor.halt(pid));
  };

  supervisor.say(`the API: an installation with ${RECIPIENTS} recipients and a million attempts`);
  await served({}, () => sending({}, () => fill(site, databaseUrl)));
  const asked = await statements({ supervisor, served, databaseUrl, site });

  /** @type {ApiRow[]} */ const rows = [];
  const measure = async (
    /** @type {string} */ name,
    /** @type {string} */ page,
    /** @type {'off' | 'memory' | 'redis'} */ cached,
  ) => {
    const load = await flood(supervisor, `${site}${page}`, await signIn(site));
    const limit =
      cached === 'off'
        ? await measureDatabase(supervisor, databaseUrl, asked.get(page) ?? [])
        : null;
    rows.push(row(name, load, limit, cached));
  };
  await served({}, async () => {
    for (const [name, page] of PAGES) await measure(name, page, 'off');
  });
  await served({ CACHE: 'memory' }, async () => {
    await measure('home_cached', HOME, 'memory');
    await measure('stats_cached', STATS, 'memory');
  });
  await served({ CACHE: 'redis', REDIS_URL: redisUrl }, () =>
    measure('home_cached_redis', HOME, 'redis'),
  );
  // As installed, and then without the pause that the mail server's pace leaves to the pages.
  for (const [name, pace] of /** @type {[string, NodeJS.ProcessEnv][]} */ ([
    ['while_sending', { SMTP_RATE: '' }],
    ['while_sending_at_full_speed', { SMTP_RATE: '0' }],
  ]))
    await served({ CACHE: 'memory' }, () =>
      sending(pace, async () => {
        const headers = await signIn(site);
        const done = await sendToAll(site, 2);
        const what = { paths: BROWSING, headers, perSecond: PER_SECOND };
        const load = await trickle(site, what, () => !done.yet);
        if (done.fault) throw done.fault;
        rows.push(row(name, load, null, 'memory'));
      }),
    );
  return rows;
}

/**
 * What each page asks of the database.
 * @param {{
 *   supervisor: import('../processes.mjs').Supervisor,
 *   served: (more: NodeJS.ProcessEnv, action: () => Promise<void>) => Promise<void>,
 *   databaseUrl: string, site: string }} where
 * @returns {Promise<Map<string, string[]>>}
 */
async function statements({ supervisor, served, databaseUrl, site }) {
  const asked = new Map();
  const file = await postgresLog(supervisor);
  const logging = (/** @type {string} */ change) =>
    using(databaseUrl, (client) => client.query(`ALTER DATABASE api ${change}`));
  await logging("SET log_statement = 'all'");
  // One connection, which has been asked before: what belongs to its opening is not the page's.
  await served({ DB_POOL_SIZE: '1' }, async () => {
    const headers = await signIn(site);
    for (const [, page] of PAGES) {
      const open = () => fetch(`${site}${page}`, { headers }).then((answer) => answer.text());
      await open();
      const before = fs.statSync(file).size;
      await open();
      const news = fs.readFileSync(file).subarray(before).toString('utf8');
      asked.set(page, statementsOf(news));
    }
  });
  await logging('RESET log_statement');
  return asked;
}

/**
 * @param {string} name
 * @param {import('./api/load.mjs').Load} load
 * @param {number | null} limit
 * @param {ApiRow['cached']} cached
 * @returns {ApiRow}
 */
function row(name, { rps, p99_ms }, limit, cached) {
  return {
    case: name,
    rps: Math.round(rps),
    p99_ms: Number(p99_ms.toFixed(1)),
    limit_rps: limit && Math.round(limit),
    ratio_to_limit: limit && Number((rps / limit).toFixed(3)),
    cached,
  };
}

/**
 * What was promised and is not so.
 * @param {ApiRow[]} rows
 */
export function apiComplaints(rows) {
  const of = (/** @type {string} */ name) => rows.find((one) => one.case === name);
  const slow = PAGES.flatMap(([name]) => {
    const ratio = of(name)?.ratio_to_limit ?? 0;
    return ratio < 0.25 ? [`${name}: ${ratio} of what the database does, and not 0.25`] : [];
  });
  const [cached, uncached] = [of('home_cached')?.rps ?? 0, of('home_uncached')?.rps ?? Infinity];
  if (cached < 10_000 && cached < 20 * uncached)
    slow.push(`home_cached: ${cached} requests per second, ${uncached} without the cache`);
  const browsing = of('while_sending')?.p99_ms ?? Infinity;
  if (!(browsing <= 50)) slow.push(`while_sending: 99 % within ${browsing} ms, and not 50`);
  return slow;
}
