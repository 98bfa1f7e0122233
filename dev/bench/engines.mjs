// @ts-check
// Several engines on one database, as they run on several machines: a mail server whose every reply takes its time, a
// mailing, and how much faster two and three of them are than one.
import { withInstallation } from './installation.mjs';
import { createDueMailing } from './mailing.mjs';
import { assertRecorded, watchSending } from './sending.mjs';
import { startSink } from './sink.mjs';
import { processorTime } from './usage.mjs';

/** @typedef {import('./case.mjs').Bench} Bench */
/**
 * @typedef {object} EnginesRow
 * @property {number} engines
 * @property {number} recipients
 * @property {number} mails_per_s
 * @property {number} times_one  compared with one engine
 * @property {number} us_engines  processor time of all of them, per mail
 * @property {number} sent_by_the_laziest  of the engines, as a share of what each would send in a fair division
 * @property {number} bytes_per_mail  that the database keeps of it, with its indexes
 */

const MOST = 3;
const SESSIONS = 20;
const REPLY_DELAY_MS = 20;
/** For each: the last thousand are sent by one alone, which must not weigh much. */
const RECIPIENTS_EACH = 20_000;
/** Of what as many engines would do that did not know of each other. */
const LEAST_SHARE = 0.85;

/** Everything that a mail leaves behind; recipients and messages are there anyway. */
const KEPT = `
  SELECT sum(pg_total_relation_size(oid))::float8 AS bytes FROM pg_class
  WHERE relname IN ('runs', 'chunks', 'deliveries', 'attempts', 'tallies') AND relkind = 'r'`;
const SENT_BY_EACH = 'SELECT count(*)::int AS sent FROM attempts GROUP BY worker';

/**
 * @param {Bench} bench
 * @returns {Promise<EnginesRow[]>}
 */
export async function measureEngines(bench) {
  /** @type {EnginesRow[]} */ const rows = [];
  for (let engines = 1; engines <= MOST; engines++) {
    const recipients = engines * RECIPIENTS_EACH;
    bench.supervisor.say(`engines: ${engines} with ${SESSIONS} sessions, ${recipients} recipients`);
    const sent = await sendTogether(bench, engines, recipients);
    const rate = Math.round(recipients / sent.seconds);
    rows.push({
      engines,
      recipients,
      mails_per_s: rate,
      times_one: Number((rate / (rows[0]?.mails_per_s ?? rate)).toFixed(2)),
      us_engines: Math.round(sent.processorTime / recipients),
      bytes_per_mail: Math.round(sent.bytes / recipients),
      sent_by_the_laziest: Number((Math.min(...sent.byEach) / RECIPIENTS_EACH).toFixed(2)),
    });
  }
  return rows;
}

/** @param {EnginesRow[]} rows */
export function engineComplaints(rows) {
  const slow = rows.filter(({ engines, times_one }) => times_one < LEAST_SHARE * engines);
  return slow.map(
    ({ engines, times_one }) =>
      `engines: ${engines} are ${times_one} times as fast as one, and not ${(LEAST_SHARE * engines).toFixed(2)} at least`,
  );
}

/**
 * @param {Bench} bench
 * @param {number} engines
 * @param {number} recipients
 */
async function sendTogether(bench, engines, recipients) {
  const { supervisor } = bench;
  const sessions = engines * SESSIONS;
  const sink = await startSink(supervisor, { sessions, replyDelayMs: REPLY_DELAY_MS });
  const options = { database: `engines_${engines}`, smtpPort: sink.port, sessions: SESSIONS };
  return withInstallation(bench, options, async ({ client, startEngine }) => {
    await createDueMailing(client, recipients);
    /** @type {number[]} */ const pids = [];
    for (let number = 1; number <= engines; number++)
      pids.push(await startEngine(`engine-${number}`));
    const { seconds } = await watchSending(client, recipients);
    const processorTimes = pids.map((pid) => processorTime(pid));
    await assertRecorded(client, recipients);
    const { rows } = await client.query(SENT_BY_EACH);
    const byEach = rows.map(({ sent }) => Number(sent));
    while (byEach.length < engines) byEach.push(0);
    const kept = await client.query(KEPT);
    return {
      seconds,
      byEach,
      bytes: Number(kept.rows[0].bytes),
      processorTime: processorTimes.reduce((sum, time) => sum + time),
    };
  }).finally(() => Promise.all(sink.pids.map((pid) => supervisor.halt(pid))));
}
