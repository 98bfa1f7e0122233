// @ts-check
// Many mailings due in the same second: thousands to a few recipients each, of several owners, and one of another
// owner. Measures how late the first mail, the last mail, and the other owner's mail are accepted.
import { setTimeout as sleep } from 'node:timers/promises';
import { withInstallation } from './installation.mjs';
import { createMailingsDueAt } from './mailing.mjs';
import { startSink } from './sink.mjs';

/** @typedef {import('./case.mjs').Bench} Bench */
/**
 * @typedef {object} DueRow
 * @property {number} mailings
 * @property {number} owners
 * @property {number} recipients  of each mailing
 * @property {number} first_s  from when they were due until the first mail was accepted
 * @property {number} last_s  until the last was
 * @property {number} other_s  until that of the other owner was
 * @property {number} finished_s  until every run was recorded as finished
 */

const MAILINGS = 2000;
const OWNERS = 5;
const RECIPIENTS = 2;
const SESSIONS = 16;
/** Time for the engine to start and become idle. */
const AHEAD_SECONDS = 6;
const POLL_MS = 100;
/** Time after which no further progress is expected. */
const TIMEOUT_SECONDS = 120;
const PROMISES = { first_s: 1, last_s: 5, other_s: 2 };

const LATENESS = `
  SELECT extract(epoch FROM min(at) - $1)::float8 AS first_s,
         extract(epoch FROM max(at) - $1)::float8 AS last_s,
         extract(epoch FROM min(at) FILTER (WHERE owner_id = $2) - $1)::float8 AS other_s,
         (SELECT extract(epoch FROM max(finished_at) - $1)::float8 FROM runs) AS finished_s
  FROM attempts`;
const OPEN = `
  SELECT (SELECT count(*) FROM mailings WHERE status <> 'completed')::int AS mailings,
         (SELECT count(*) FROM deliveries WHERE status = 'accepted')::int AS accepted`;

/**
 * @param {Bench} bench
 * @returns {Promise<DueRow[]>}
 */
export async function measureDue(bench) {
  const { supervisor } = bench;
  supervisor.say(
    `due: ${MAILINGS} mailings of ${OWNERS} owners in one second, and one of another's`,
  );
  const sink = await startSink(supervisor, { sessions: SESSIONS, replyDelayMs: 0 });
  const options = { database: 'due', smtpPort: sink.port, sessions: SESSIONS };
  return withInstallation(bench, options, async ({ client, startEngine }) => {
    const many = { mailings: MAILINGS, owners: OWNERS, recipients: RECIPIENTS };
    const { due, other } = await createMailingsDueAt(client, AHEAD_SECONDS, many);
    await startEngine();
    await watchCompletion(client);
    const { rows } = await client.query(LATENESS, [due, other]);
    const lateness = Object.entries(rows[0]).map(([name, s]) => [
      name,
      Number(Number(s).toFixed(2)),
    ]);
    return [{ ...many, ...Object.fromEntries(lateness) }];
  }).finally(() => Promise.all(sink.pids.map((pid) => supervisor.halt(pid))));
}

/** @param {DueRow[]} rows */
export function dueComplaints(rows) {
  const late = (/** @type {DueRow} */ row) =>
    Object.entries(PROMISES).filter(([name, most]) => row[/** @type {'first_s'} */ (name)] > most);
  return rows.flatMap((row) =>
    late(row).map(
      ([name, most]) =>
        `due: ${name} is ${row[/** @type {'first_s'} */ (name)]}, and not ${most} at most`,
    ),
  );
}

/**
 * Waits until every mailing is completed and every mail accepted.
 * @param {import('pg').Client} client
 */
async function watchCompletion(client) {
  const mails = MAILINGS * RECIPIENTS + 1;
  const deadline = performance.now() + TIMEOUT_SECONDS * 1000;
  for (;;) {
    const { rows } = await client.query(OPEN);
    const { mailings, accepted } = rows[0];
    if (mailings === 0 && accepted === mails) return;
    if (performance.now() > deadline)
      throw new Error(
        `${mailings} mailings are not completed, ${accepted} of ${mails} mails accepted`,
      );
    await sleep(POLL_MS);
  }
}
