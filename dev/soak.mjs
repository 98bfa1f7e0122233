// @ts-check
// `make soak`: engines that are killed again and again while they send, for minutes; who got how many copies.
import fs from 'node:fs';
import path from 'node:path';
import { forgetSettings } from './backend.mjs';
import { DEV, installPackages, ROOT, TARGET } from './build.mjs';
import { anyPorts } from './ports.mjs';
import { startPostgres } from './postgres.mjs';
import { Supervisor } from './processes.mjs';
import { ensureInstalled } from './requirements.mjs';

/**
 * What the tests write down, in addresses; `lost` and `doubled_unsaid` name them.
 * @typedef {object} Found
 * @property {string} on_uncertain
 * @property {number} recipients
 * @property {number} kills
 * @property {number} copies
 * @property {number} duplicates
 * @property {number} flagged
 * @property {number} held
 * @property {unknown[]} lost
 * @property {unknown[]} doubled_unsaid
 */

const POLICIES = ['retry', 'hold'];
/** Far more than it takes: whatever hangs is ended. */
const MOST_SECONDS = 1200;

const supervisor = new Supervisor('soak', path.join(DEV, '.data/soak'));
await supervisor.supervise(run);

async function run() {
  forgetSettings();
  await ensureInstalled(supervisor, ['cc']);
  await installPackages(supervisor, DEV);
  const [port = 0] = await anyPorts(1);
  const databaseUrl = (await startPostgres(supervisor, port, 'disposable'))('postgres');
  for (const policy of POLICIES) fs.rmSync(result(policy), { force: true });
  supervisor.say('killing engines for some minutes');
  const soaked = supervisor.step({
    name: 'the soak',
    command: [
      ...['timeout', String(MOST_SECONDS), 'cargo', 'test', '--locked', '--test', 'it'],
      ...['soak::a_long_soak', '--', '--ignored', '--test-threads', '1'],
    ],
    cwd: ROOT,
    env: { ...process.env, DATABASE_URL: databaseUrl },
  });
  await soaked.finally(report);
}

/** Also of a soak that failed. */
function report() {
  const written = POLICIES.map(result).filter((file) => fs.existsSync(file));
  const rows = written.map((file) => {
    const found = /** @type {Found} */ (JSON.parse(fs.readFileSync(file, 'utf8')));
    const { lost, doubled_unsaid: unsaid, ...counts } = found;
    return { ...counts, lost: lost.length, doubled_unsaid: unsaid.length };
  });
  console.table(rows);
}

/** @param {string} policy */
function result(policy) {
  return path.join(TARGET, 'tmp', `soak-${policy}.json`);
}
