// @ts-check
// `make contract`: the API against its own document, from several seeds and for some minutes in each role.
import path from 'node:path';
import { forgetSettings } from './backend.mjs';
import { DEV, installPackages } from './build.mjs';
import { testContract } from './checks.mjs';
import { disposablePostgres } from './postgres.mjs';
import { Supervisor } from './processes.mjs';
import { ensureInstalled } from './requirements.mjs';

const supervisor = new Supervisor('contract', path.join(DEV, '.data/contract'));
await supervisor.supervise(async () => {
  forgetSettings();
  await ensureInstalled(supervisor, ['cc', 'python3-venv']);
  await installPackages(supervisor, DEV);
  const { ROLES } = await import('./contract/roles.mjs'); // needs the packages
  const extent = { seeds: [1, 2, 3], examples: 60, thorough: ROLES };
  const postgres = () => disposablePostgres(supervisor);
  await testContract({ supervisor, totals: [], postgres }, extent);
});
