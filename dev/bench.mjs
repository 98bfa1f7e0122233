// @ts-check
// `make bench`: mails per second from a due mailing to the last answer recorded, beside what the mail server can take.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { forgetSettings } from './backend.mjs';
import { buildDistribution, DEV, installPackages, ROOT } from './build.mjs';
import { anyPorts } from './ports.mjs';
import { startPostgres } from './postgres.mjs';
import { Supervisor } from './processes.mjs';
import { ensureInstalled } from './requirements.mjs';

/** @typedef {import('./bench/case.mjs').Case} Case */
/** @typedef {import('./bench/case.mjs').Measured} Measured */

/** @type {Case[]} */
const CASES = [{ name: 'null sink', recipients: 50_000, replyDelayMs: 0, floor: 1 / 3 }];

const REPORT = path.join(ROOT, 'target/bench/delivery.json');

const supervisor = new Supervisor('bench', path.join(DEV, '.data/bench'));
await supervisor.supervise(run);

async function run() {
  forgetSettings();
  await ensureInstalled(supervisor, ['cc', 'smtp-sink', 'smtp-source']);
  await installPackages(supervisor, DEV);
  const program = await buildDistribution(supervisor);
  const [port = 0] = await anyPorts(1);
  const databaseUrl = await startPostgres(supervisor, port, 'measured');
  const secret = randomBytes(48).toString('base64url');
  const bench = { supervisor, program, secret, databaseUrl };
  const { measureCase } = await import('./bench/case.mjs'); // needs the packages
  const results = [];
  for (const [number, aCase] of CASES.entries()) {
    supervisor.say(`${aCase.name}: ${aCase.recipients} recipients`);
    const measured = await measureCase(bench, aCase, number + 1);
    results.push({ ...aCase, ...measured, rate: aCase.recipients / measured.seconds });
  }
  report(results);
}

/** @param {(Case & Measured & { rate: number })[]} results */
function report(results) {
  const rows = results.map((result) => ({
    case: result.name,
    recipients: result.recipients,
    mails_per_s: Math.round(result.rate),
    limit_per_s: Math.round(result.limit),
    ratio_to_limit: round(result.rate / result.limit, 3),
    peak_rss_mb: round(result.peakMemory, 1),
    reply_delay_ms: result.replyDelayMs,
  }));
  fs.mkdirSync(path.dirname(REPORT), { recursive: true });
  fs.writeFileSync(REPORT, `${JSON.stringify(rows, null, 2)}\n`);
  console.table(rows);
  for (const { name, seconds, prepared, processorTime } of results) {
    const times = Object.entries(processorTime).map(([of, time]) => `${of} ${round(time, 1)}`);
    supervisor.say(
      `${name}: ${round(seconds, 2)} s from the run's start, all prepared after ${round(prepared, 2)} s; ` +
        `processor time in µs per mail: ${times.join(', ')}`,
    );
  }
  supervisor.say(`written to ${path.relative(process.cwd(), REPORT)}`);
  const slow = results.filter(({ rate, limit, floor }) => rate < floor * limit);
  if (slow.length > 0)
    throw new Error(
      slow
        .map(({ name, floor }) => `${name}: below ${round(floor, 2)} of the mail server's limit`)
        .join('\n'),
    );
}

/**
 * @param {number} value
 * @param {number} digits
 */
function round(value, digits) {
  return Number(value.toFixed(digits));
}
