// @ts-check
// One case of the bench: a database and a mail server of its own, the engine, and what it took.
import fs from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { settings } from '../backend.mjs';
import { anyPorts } from '../ports.mjs';
import { createDueMailing } from './mailing.mjs';
import { assertRecorded, watchSending } from './sending.mjs';
import { measureLimit, startSink } from './sink.mjs';
import { peakMemory, processorTime } from './usage.mjs';

/** Longer than the engine gives what is in flight. */
const GRACE_SECONDS = 40;

/**
 * @typedef {object} Bench
 * @property {import('../processes.mjs').Supervisor} supervisor
 * @property {string} program
 * @property {string} secret
 * @property {(database: string) => string} databaseUrl
 */
/** @typedef {import('./promises.mjs').Case} Case */
/** @typedef {import('./promises.mjs').Row} Row */

/**
 * @param {Bench} bench
 * @param {Case} aCase
 * @returns {Promise<Row>}
 */
export async function measureCase(bench, aCase) {
  const { supervisor, program } = bench;
  const { name, recipients, sessions, replyDelayMs } = aCase;
  const database = name.replaceAll('-', '_');
  const maintain = (/** @type {string} */ command) =>
    using(bench.databaseUrl('postgres'), (client) => client.query(command));
  await maintain(`CREATE DATABASE ${database}`);
  const sink = await startSink(supervisor, aCase);
  const databaseUrl = bench.databaseUrl(database);
  const journal = path.join(supervisor.home, 'journal');
  supervisor.afterwards(() => fs.rmSync(journal, { recursive: true, force: true }));
  const env = {
    ...settings({ databaseUrl, smtpUrl: `smtp://127.0.0.1:${sink.port}`, port: 1 }, bench.secret),
    FRONTEND_DIR: '',
    SMTP_SESSIONS: String(sessions),
    SMTP_RATE: '0',
    JOURNAL_DIR: journal,
    LIMITS: '0',
  };
  const log = `${supervisor.home}/migrate.log`;
  await supervisor.step({ name: 'dispatch migrate', command: [program, 'migrate'], env, log });
  await using(databaseUrl, (client) => createDueMailing(client, recipients));
  let fanOut;
  if (aCase.promises.mostSecondsToFanOut) {
    const alone = `${database}_alone`;
    await maintain(`CREATE DATABASE ${alone} TEMPLATE ${database}`);
    fanOut = await fanOutAlone(bench, { ...env, DATABASE_URL: bench.databaseUrl(alone) });
    await maintain(`DROP DATABASE ${alone} WITH (FORCE)`);
  }
  const { limit, ...sent } = await using(databaseUrl, async (client) => {
    // On both sides of the sending, because the machine may have other things to do; the better one counts.
    const before = await measureLimit(supervisor, sink);
    const sent = await send(bench, { client, env, sink, recipients });
    await assertRecorded(client, recipients);
    const after = await measureLimit(supervisor, sink);
    return { ...sent, limit: Math.max(before, after) };
  }).finally(() => Promise.all(sink.pids.map((pid) => supervisor.halt(pid))));
  // Tidying it up would be the server's business during the next case.
  await maintain(`DROP DATABASE ${database} WITH (FORCE)`);
  const rate = recipients / sent.seconds;
  return {
    case: name,
    recipients,
    sessions,
    mails_per_s: Math.round(rate),
    limit_per_s: Math.round(limit),
    ratio_to_limit: round(rate / limit, 3),
    peak_rss_mb: round(sent.peakMemory, 1),
    reply_delay_ms: replyDelayMs,
    prepared_s: round(sent.prepared, 2),
    ...(fanOut && { fan_out_s: round(fanOut, 2) }),
    us_per_mail: sent.processorTime,
  };
}

/**
 * @param {Bench} bench
 * @param {{ client: pg.Client, env: NodeJS.ProcessEnv, sink: import('./sink.mjs').Sink, recipients: number }} job
 */
async function send({ supervisor, program }, { client, env, sink, recipients }) {
  const postgres = [await serverProcess(client)];
  const before = { postgres: used(postgres), sink: used(sink.pids) };
  const log = `${supervisor.home}/engine.log`;
  const job = { name: 'the engine', command: [program, 'engine'], env, log, grace: GRACE_SECONDS };
  const engine = await supervisor.start(job);
  const perMail = (/** @type {number} */ time) => round(time / recipients, 2);
  try {
    const { seconds, prepared } = await watchSending(client, recipients);
    const processorTime = {
      engine: perMail(used([engine])),
      postgres: perMail(used(postgres) - before.postgres),
      sink: perMail(used(sink.pids) - before.sink),
    };
    return { seconds, prepared, processorTime, peakMemory: peakMemory(engine) };
  } finally {
    await supervisor.halt(engine);
  }
}

/**
 * Seconds in which all deliveries are prepared when nothing is sent meanwhile: nobody is at the mail server's place.
 * @param {Bench} bench
 * @param {NodeJS.ProcessEnv} env
 */
async function fanOutAlone({ supervisor, program }, env) {
  const [nobody = 0] = await anyPorts(1);
  const log = `${supervisor.home}/fan-out.log`;
  const alone = { ...env, SMTP_URL: `smtp://127.0.0.1:${nobody}` };
  await supervisor.step({ name: 'the fan-out', command: [program, 'run-due'], env: alone, log });
  return using(env.DATABASE_URL ?? '', async (client) => {
    const { rows } = await client.query(
      'SELECT extract(epoch FROM fanned_out_at - started_at)::float8 AS seconds FROM runs',
    );
    return Number(rows[0].seconds);
  });
}

/** @param {number[]} pids */
function used(pids) {
  return pids.reduce((sum, pid) => sum + processorTime(pid), 0);
}

/** @param {pg.Client} client */
async function serverProcess(client) {
  const { rows } = await client.query(
    "SELECT split_part(pg_read_file('postmaster.pid'), E'\n', 1)::int AS pid",
  );
  return rows[0].pid;
}

/**
 * @template T
 * @param {string} url
 * @param {(client: pg.Client) => Promise<T>} action
 */
export async function using(url, action) {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 10_000,
    statement_timeout: 300_000,
  });
  client.on('error', () => {}); // the server goes when we are interrupted; whoever waits is told
  await client.connect();
  try {
    return await action(client);
  } finally {
    await client.end();
  }
}

/**
 * @param {number} value
 * @param {number} digits
 */
function round(value, digits) {
  return Number(value.toFixed(digits));
}
