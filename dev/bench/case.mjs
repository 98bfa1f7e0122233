// @ts-check
// One case of the bench: a database and a mail server of its own, the engine, and what it took.
import pg from 'pg';
import { settings } from '../backend.mjs';
import { anyPorts } from '../ports.mjs';
import { createDueMailing } from './mailing.mjs';
import { assertRecorded, watchSending } from './sending.mjs';
import { measureLimit, SESSIONS, startSink } from './sink.mjs';
import { peakMemory, processorTime } from './usage.mjs';

/**
 * @typedef {object} Bench
 * @property {import('../processes.mjs').Supervisor} supervisor
 * @property {string} program
 * @property {string} secret
 * @property {(database: string) => string} databaseUrl
 * @property {number} postgres  its process
 */
/**
 * @typedef {object} Case
 * @property {string} name
 * @property {number} recipients
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
export async function measureCase(bench, { recipients }, number) {
  const { supervisor } = bench;
  const [port = 0, unused = 0] = await anyPorts(2);
  const database = `case_${number}`;
  await using(bench.databaseUrl('postgres'), (server) => server.query(`CREATE DATABASE ${database}`));
  const databaseUrl = bench.databaseUrl(database);
  const services = { databaseUrl, smtpUrl: `smtp://127.0.0.1:${port}`, port: unused };
  const env = {
    ...settings(services, bench.secret),
    FRONTEND_DIR: '',
    SMTP_SESSIONS: String(SESSIONS),
    LIMITS: '0',
    RUST_LOG: 'warn',
  };
  const migrate = { name: 'dispatch migrate', command: [bench.program, 'migrate'], env };
  await supervisor.step(migrate);
  const sink = await startSink(supervisor, port);
  return using(databaseUrl, async (client) => {
    await createDueMailing(client, recipients);
    // On both sides of the sending, because the machine may have other things to do; the better one counts.
    const before = await measureLimit(supervisor, sink, recipients);
    const sent = await send(bench, { client, env, sink, recipients });
    const after = await measureLimit(supervisor, sink, recipients);
    await supervisor.halt(sink.pid);
    return { ...sent, limit: Math.max(before, after) };
  });
}

/**
 * @param {Bench} bench
 * @param {{ client: pg.Client, env: NodeJS.ProcessEnv, sink: import('./sink.mjs').Sink, recipients: number }} job
 */
async function send({ supervisor, program, postgres }, { client, env, sink, recipients }) {
  const processes = { engine: 0, postgres, sink: sink.pid };
  const used = () => Object.values(processes).map((pid) => (pid ? processorTime(pid) : 0));
  const before = used();
  const log = `${supervisor.home}/engine.log`;
  const engine = { name: 'the engine', command: [program, 'engine'], env, log, grace: 40 };
  processes.engine = await supervisor.start(engine);
  const { seconds, prepared } = await watchSending(client, recipients);
  const after = used();
  const memory = peakMemory(processes.engine);
  await supervisor.halt(processes.engine);
  await assertRecorded(client, recipients);
  const perMail = Object.keys(processes).map((name, index) => [
    name,
    ((after[index] ?? 0) - (before[index] ?? 0)) / recipients,
  ]);
  return { seconds, prepared, peakMemory: memory, processorTime: Object.fromEntries(perMail) };
}

/**
 * @template T
 * @param {string} url
 * @param {(client: pg.Client) => Promise<T>} action
 */
async function using(url, action) {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000, statement_timeout: 300_000 });
  client.on('error', () => {}); // the server goes when we are interrupted; whoever waits is told
  await client.connect();
  try {
    return await action(client);
  } finally {
    await client.end();
  }
}
