// @ts-check
// Many mailings due in the same second: thousands to a few recipients each, of several owners, and one of another
// owner. Measures how late the first mail, the last mail, and the other owner's mail are accepted.
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { settings } from '../backend.mjs';
import { using } from './case.mjs';
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
/** Long enough for mails in flight. */
const GRACE_SECONDS = 40;
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
  const { supervisor, program } = bench;
  supervisor.say(
    `due: ${MAILINGS} mailings of ${OWNERS} owners in one second, and one of another's`,
  );
  const maintain = (/** @type {string} */ command) =>
    using(bench.databaseUrl('postgres'), (client) => client.query(command));
  await maintain('CREATE DATABASE due');
  const sink = await startSink(supervisor, { sessions: SESSIONS, replyDelayMs: 0 });
  const databaseUrl = bench.databaseUrl('due');
  const journal = path.join(supervisor.home, 'journal');
  supervisor.afterwards(() => fs.rmSync(journal, { recursive: true, force: true }));
  const smtpUrl = `smtp://127.0.0.1:${sink.port}`;
  const env = {
    ...settings({ databaseUrl, smtpUrl, port: 1 }, bench.secret),
    FRONTEND_DIR: '',
    SMTP_SESSIONS: String(SESSIONS),
    SMTP_RATE: '0',
    JOURNAL_DIR: journal,
  };
  const log = `${supervisor.home}/migrate.log`;
  await supervisor.step({ name: 'dispatch migrate', command: [program, 'migrate'], env, log });
  const pids = [...sink.pids];
  try {
    return await using(databaseUrl, async (client) => {
      const many = { mailings: MAILINGS, owners: OWNERS, recipients: RECIPIENTS };
      const { due, other } = await createMailingsDueAt(client, AHEAD_SECONDS, many);
      const engineLog = `${supervisor.home}/due.log`;
      const engine = { name: 'the engine', command: [program, 'engine'], env, log: engineLog };
      pids.unshift(await supervisor.start({ ...engine, grace: GRACE_SECONDS }));
      await watchCompletion(client);
      const { rows } = await client.query(LATENESS, [due, other]);
      const lateness = Object.entries(rows[0]).map(([name, s]) => [
        name,
        Number(Number(s).toFixed(2)),
      ]);
      return [{ ...many, ...Object.fromEntries(lateness) }];
    });
  } finally {
    for (const pid of pids) await supervisor.halt(pid);
    await maintain('DROP DATABASE due WITH (FORCE)');
  }
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
