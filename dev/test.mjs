// @ts-check
// `make test`, and its parts: private throw-away services, the checks one after another up to the first red.
import path from 'node:path';
import { forgetSettings } from './backend.mjs';
import * as checks from './checks.mjs';
import { DEV } from './build.mjs';
import { disposablePostgres } from './postgres.mjs';
import { duration, Supervisor } from './processes.mjs';
import { ensureInstalled } from './requirements.mjs';

/**
 * @typedef {object} Plan
 * @property {((session: checks.Session) => Promise<void>)[]} checks
 * @property {import('./requirements.mjs').Program[]} needs
 */

const { lintRust, testRust, checkDocument, lintFrontend, testFrontend } = checks;
const { lintDev, lintContainers, testDev, testContract, testEndToEnd } = checks;

/** @type {Record<string, Plan>} */
const PLANS = {
  all: {
    checks: [
      ...[lintRust, testRust, checkDocument],
      ...[lintFrontend, testFrontend],
      ...[lintDev, lintContainers, testDev, testContract, testEndToEnd],
    ],
    needs: ['cc', 'redis-server', 'chromium', 'curl', 'jq', 'nginx', 'python3-venv'],
  },
  rust: {
    checks: [lintRust, testRust, checkDocument],
    needs: ['cc', 'redis-server', 'python3-venv'],
  },
  frontend: { checks: [lintFrontend, testFrontend], needs: [] },
  contract: { checks: [testContract], needs: ['cc', 'python3-venv'] },
  e2e: { checks: [testEndToEnd], needs: ['cc', 'chromium', 'curl', 'jq', 'nginx', 'python3-venv'] },
  lint: {
    checks: [lintRust, lintFrontend, lintDev, lintContainers],
    needs: ['cc', 'python3-venv'],
  },
};

const name = process.argv[2] ?? 'all';
const plan = PLANS[name];
if (!plan) {
  console.error(`no tests called ${name}; there are: ${Object.keys(PLANS).join(', ')}`);
  process.exit(2);
}
const supervisor = new Supervisor('test', path.join(DEV, '.data', `test-${name}`));
await supervisor.supervise(() => run(plan));

/** @param {Plan} plan */
async function run(plan) {
  const begun = Date.now();
  forgetSettings();
  await ensureInstalled(supervisor, plan.needs);
  /** @type {Promise<(database: string) => string> | undefined} */ let server;
  const postgres = () => (server ??= disposablePostgres(supervisor));
  /** @type {checks.Session} */
  const session = { supervisor, totals: [], postgres };
  for (const check of plan.checks) await check(session);
  const totals = session.totals.map((line) => `\n  ${line}`).join('');
  supervisor.say(`all green in ${duration(Date.now() - begun)}${totals}`);
}
