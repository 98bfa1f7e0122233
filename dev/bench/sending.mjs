// @ts-check
// One sending, watched through the database: how long it took, and whether everything it owes is recorded.
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 50;
/** Nothing recorded for so long: it hangs. */
const STALL_SECONDS = 30;

// Times are the database's: those that the engine writes down are too.
const PROGRESS = `
  SELECT runs.status,
         extract(epoch FROM clock_timestamp() - started_at)::float8 AS seconds,
         coalesce(sum(accepted), 0)::int AS accepted,
         coalesce(sum(pending + deferred + accepted + rejected + uncertain + expired + skipped), 0)::int AS prepared
  FROM runs LEFT JOIN chunks ON chunks.run_id = runs.id GROUP BY runs.id`;
const RECORDED = `
  SELECT (SELECT count(*)::int FROM attempts) AS attempts,
         (SELECT count(*)::int FROM attempts WHERE outcome = 'accepted') AS accepted_attempts,
         (SELECT count(*)::int FROM deliveries WHERE status = 'accepted' AND attempts = 1) AS accepted_deliveries`;
const OUTCOMES = `
  SELECT outcome, stage, min(response) AS response, count(*)::int AS count
  FROM attempts WHERE outcome <> 'accepted' GROUP BY outcome, stage ORDER BY count DESC LIMIT 5`;

/**
 * Waits until the mail server's acceptance of the last mail is recorded.
 * @param {import('pg').Client} database
 * @param {number} recipients
 * @returns {Promise<{ seconds: number, prepared: number }>}  since the run began: to the end, and to the last delivery prepared
 */
export async function watchSending(database, recipients) {
  let [prepared, most, moved] = [0, -1, performance.now()];
  for (;;) {
    const { rows } = await database.query(PROGRESS);
    const { seconds = 0, ...run } = rows[0] ?? {};
    if (!prepared && run.prepared === recipients) prepared = seconds;
    if (run.accepted === recipients) return { seconds, prepared };
    const sum = (run.accepted ?? 0) + (run.prepared ?? 0);
    if (sum > most) [most, moved] = [sum, performance.now()];
    const stalled = performance.now() - moved > STALL_SECONDS * 1000;
    if (stalled || run.status === 'finished')
      throw new Error(
        `the run is ${run.status ?? 'not begun'}: ${run.prepared ?? 0} prepared and ${run.accepted ?? 0} accepted ` +
          `of ${recipients}${stalled ? `, and nothing more for ${STALL_SECONDS} s` : ''}. ${await trouble(database)}`,
      );
    await sleep(POLL_MS);
  }
}

/**
 * Every recipient has one attempt, and it was accepted.
 * @param {import('pg').Client} database
 * @param {number} recipients
 */
export async function assertRecorded(database, recipients) {
  const { rows } = await database.query(RECORDED);
  const wrong = Object.entries(rows[0]).filter(([, count]) => count !== recipients);
  if (wrong.length > 0)
    throw new Error(
      `recorded for ${recipients} recipients: ${wrong.map(([name, count]) => `${name} ${count}`).join(', ')}. ` +
        (await trouble(database)),
    );
}

/** @param {import('pg').Client} database */
async function trouble(database) {
  const { rows } = await database.query(OUTCOMES);
  return `Attempts that were not accepted: ${rows.length > 0 ? JSON.stringify(rows) : 'none'}`;
}
