// @ts-check
// One case of the bench: a database and a mail server of its own, the engine, and what it took.
import pg from 'pg';
import { settings } from '../backend.mjs';
import { createDueMailing } from './mailing.mjs';
import { assertRecorded, watchSending } from './sending.mjs';
import { measureLimit, SESSIONS, startSink } from './sink.mjs';
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
/**
 * @typedef {object} Case
 * @property {string} name
 * @property {number} recipients
 * @property {number} replyDelayMs  how late every reply of the mail server comes
 * @property {number} floor  the least share of the mail server's limit
 */
/**
 * @typedef {object} Measured
 * @property {number} seconds
 * @property {number} prepared  seconds until the last delivery was prepared
 * @property {number} limit  mails per second
 * @property {number} peakMemory
 * @property {Record<string, number>} processorTime  microseconds per mail
 */

/**
 * @param {Bench} bench
 * @param {Case} aCase
 * @param {number} number
 * @returns {Promise<Measured>}
 */
export async function measureCase(bench, { recipients, replyDelayMs }, number) {
  const { supervisor, program } = bench;
  const database = `case_${number}`;
  await using(bench.databaseUrl('postgres'), (client) =>
    client.query(`CREATE DATABASE ${database}`),
  );
  const sink = await startSink(supervisor, replyDelayMs);
  const databaseUrl = bench.databaseUrl(database);
  const env = {
    ...settings({ databaseUrl, smtpUrl: `smtp://127.0.0.1:${sink.port}`, port: 1 }, bench.secret),
    FRONTEND_DIR: '',
    SMTP_SESSIONS: String(SESSIONS),
    LIMITS: '0',
  };
  await supervisor.step({ name: 'dispatch migrate', command: [program, 'migrate'], env });
  return using(databaseUrl, async (client) => {
    await createDueMailing(client, recipients);
    // On both sides of the sending, because the machine may have other things to do; the better one counts.
    const before = await measureLimit(supervisor, sink, recipients);
    const sent = await send(bench, { client, env, sink, recipients });
    const after = await measureLimit(supervisor, sink, recipients);
    for (const pid of sink.pids) await supervisor.halt(pid);
    return { ...sent, limit: Math.max(before, after) };
  });
}

/**
 * @param {Bench} bench
 * @param {{ client: pg.Client, env: NodeJS.ProcessEnv, sink: import('./sink.mjs').Sink, recipients: number }} job
 */
async function send({ supervisor, program }, { client, env, sink, recipients }) {
  const postgres = [await serverProcess(client)];
  const before = [used(postgres), used(sink.pids)];
  const log = `${supervisor.home}/engine.log`;
  const job = { name: 'the engine', command: [program, 'engine'], env, log, grace: GRACE_SECONDS };
  const engine = await supervisor.start(job);
  const { seconds, prepared } = await watchSending(client, recipients);
  const [inPostgres = 0, inSink = 0] = [used(postgres), used(sink.pids)].map(
    (after, index) => (after - (before[index] ?? 0)) / recipients,
  );
  const processorTime = { engine: used([engine]) / recipients, postgres: inPostgres, sink: inSink };
  const memory = peakMemory(engine);
  await supervisor.halt(engine);
  await assertRecorded(client, recipients);
  return { seconds, prepared, peakMemory: memory, processorTime };
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
async function using(url, action) {
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
