// @ts-check
// One case of the bench: a database and a mail server of its own, the engine, and what it took.
import pg from 'pg';
import { anyPorts } from '../ports.mjs';
import { withInstallation } from './installation.mjs';
import { createDueMailing } from './mailing.mjs';
import { assertRecorded, watchSending } from './sending.mjs';
import { measureLimit, startSink } from './sink.mjs';
import { peakMemory, processorTime } from './usage.mjs';

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
  const { supervisor } = bench;
  const { name, recipients, sessions, replyDelayMs } = aCase;
  const database = name.replaceAll('-', '_');
  const sink = await startSink(supervisor, aCase);
  const options = { database, smtpPort: sink.port, sessions, env: { LIMITS: '0' } };
  const fanOut =
    aCase.promises.mostSecondsToFanOut &&
    (await fanOutAlone(bench, `${database}_alone`, recipients));
  const { limit, ...sent } = await withInstallation(bench, options, async (all) => {
    await createDueMailing(all.client, recipients);
    // On both sides of the sending, because the machine may have other things to do; the better one counts.
    const before = await measureLimit(supervisor, sink);
    const sent = await send(all, sink, recipients);
    await assertRecorded(all.client, recipients);
    const after = await measureLimit(supervisor, sink);
    return { ...sent, limit: Math.max(before, after) };
  }).finally(() => Promise.all(sink.pids.map((pid) => supervisor.halt(pid))));
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
 * @param {import('./installation.mjs').Installation} installation
 * @param {import('./sink.mjs').Sink} sink
 * @param {number} recipients
 */
async function send({ client, startEngine }, sink, recipients) {
  const postgres = [await serverProcess(client)];
  const before = { postgres: used(postgres), sink: used(sink.pids) };
  const engine = await startEngine();
  const perMail = (/** @type {number} */ time) => round(time / recipients, 2);
  const { seconds, prepared } = await watchSending(client, recipients);
  const processorTime = {
    engine: perMail(used([engine])),
    postgres: perMail(used(postgres) - before.postgres),
    sink: perMail(used(sink.pids) - before.sink),
  };
  return { seconds, prepared, processorTime, peakMemory: peakMemory(engine) };
}

/**
 * Seconds in which all deliveries are prepared when nothing is sent meanwhile, because no mail server listens.
 * @param {Bench} bench
 * @param {string} database
 * @param {number} recipients
 */
async function fanOutAlone(bench, database, recipients) {
  const { supervisor, program } = bench;
  const [unused = 0] = await anyPorts(1);
  const options = { database, smtpPort: unused, sessions: 1 };
  return withInstallation(bench, options, async ({ client, env }) => {
    await createDueMailing(client, recipients);
    const log = `${supervisor.home}/fan-out.log`;
    await supervisor.step({ name: 'the fan-out', command: [program, 'run-due'], env, log });
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
 * @param {number} value
 * @param {number} digits
 */
function round(value, digits) {
  return Number(value.toFixed(digits));
}
