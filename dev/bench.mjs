// @ts-check
// `make bench`: mails per second from a due mailing to the last answer recorded, beside what the mail server can take; pages
// per second, beside what the database can do. All cases one after another, or one of them: `make bench CASE=late-replies`,
// `make bench CASE=api`.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { forgetSettings } from './backend.mjs';
import { complaints } from './bench/promises.mjs';
import { buildDistribution, DEV, installPackages, TARGET } from './build.mjs';
import { anyPorts } from './ports.mjs';
import { startPostgres } from './postgres.mjs';
import { duration, Supervisor } from './processes.mjs';
import { ensureInstalled } from './requirements.mjs';

/** @typedef {import('./bench/promises.mjs').Case} Case */
/** @typedef {import('./bench/promises.mjs').Row} Row */

/** Where the mail server costs nothing: as fast as a client that only sends, in little memory. */
const LEAN = { leastOfLimit: 1, mostMemoryMb: 60 };
/** A million mails cost no more each than fifty thousand do, and are soon prepared. */
const FLAT = { ...LEAN, mostSecondsToFanOut: 10, mostCost: { times: 1.15, of: 'null-sink-50k' } };

/** @type {Case[]} */
// prettier-ignore
const CASES = [
  { name: 'null-sink-50k',  recipients:    50_000, sessions: 16, replyDelayMs:  0, promises: LEAN },
  { name: 'null-sink-200k', recipients:   200_000, sessions: 16, replyDelayMs:  0, promises: LEAN },
  { name: 'null-sink-1m',   recipients: 1_000_000, sessions: 16, replyDelayMs:  0, promises: FLAT },
  { name: 'late-replies',   recipients:    10_000, sessions: 20, replyDelayMs: 20, promises: { leastPerSecond: 500 } },
];

/** The cases about several processes, many mailings, and other than mails. */
const [ENGINES, DUE, API] = ['engines', 'due', 'api'];
/** The cases about mail servers that are slow, allow few connections, or close them. */
const PECULIAR = ['small', 'limited', 'closing'];

const supervisor = new Supervisor('bench', path.join(DEV, '.data/bench'));
await supervisor.supervise(run);

async function run() {
  const cases = chosen(process.env.CASE);
  const [withEngines, withDue, withApi] = [ENGINES, DUE, API].map((name) => isWanted(name));
  const peculiar = PECULIAR.filter((name) => isWanted(name));
  forgetSettings();
  await ensureInstalled(supervisor, ['cc', 'smtp-sink', 'smtp-source']);
  if (withApi) await ensureInstalled(supervisor, ['redis-server', 'wrk', 'pgbench']);
  await installPackages(supervisor, DEV);
  const program = await buildDistribution(supervisor);
  const [load = 0] = os.loadavg();
  if (load > 1) supervisor.say(`the machine is busy (load ${load.toFixed(1)}): expect low figures`);
  const begun = Date.now();
  const [port = 0] = await anyPorts(1);
  const databaseUrl = await startPostgres(supervisor, port, 'measured');
  const secret = randomBytes(48).toString('base64url');
  const bench = { supervisor, program, secret, databaseUrl };
  const { measureCase } = await import('./bench/case.mjs'); // needs the packages
  /** @type {Row[]} */ const rows = [];
  /** @type {string[]} */ const faults = [];
  for (const aCase of cases) {
    supervisor.say(`${aCase.name}: ${aCase.recipients} recipients, ${aCase.sessions} sessions`);
    // The others are measured all the same.
    await measureCase(bench, aCase).then(
      (row) => rows.push(row),
      (fault) => faults.push(`${aCase.name}: ${fault.message}`),
    );
  }
  faults.push(...complaints(cases, rows));
  if (rows.length > 0) report('delivery', rows, rows.map(flat));
  if (peculiar.length > 0) faults.push(...(await measureServers(bench, peculiar)));
  if (withEngines) faults.push(...(await measureSeveral(bench)));
  if (withDue) faults.push(...(await measureManyDue(bench)));
  if (withApi) faults.push(...(await measurePages(bench)));
  supervisor.say(`measured in ${duration(Date.now() - begun)}`);
  if (faults.length > 0) throw new Error(faults.join('\n'));
}

/** @param {string} name */
function isWanted(name) {
  return [undefined, '', name].includes(process.env.CASE);
}

/** @param {import('./bench/case.mjs').Bench} bench */
async function measureSeveral(bench) {
  const { engineComplaints, measureEngines } = await import('./bench/engines.mjs'); // needs the packages
  try {
    const rows = await measureEngines(bench);
    report('engines', rows);
    return engineComplaints(rows);
  } catch (fault) {
    return [`engines: ${fault instanceof Error ? fault.message : fault}`];
  }
}

/**
 * @param {import('./bench/case.mjs').Bench} bench
 * @param {string[]} names
 */
async function measureServers(bench, names) {
  const { measurePeculiar, peculiarComplaints } = await import('./bench/peculiar.mjs'); // needs the packages
  try {
    const rows = await measurePeculiar(bench, names);
    report('servers', rows);
    return peculiarComplaints(rows);
  } catch (fault) {
    return [`${names.join(', ')}: ${fault instanceof Error ? fault.message : fault}`];
  }
}

/** @param {import('./bench/case.mjs').Bench} bench */
async function measureManyDue(bench) {
  const { dueComplaints, measureDue } = await import('./bench/due.mjs'); // needs the packages
  try {
    const rows = await measureDue(bench);
    report('due', rows);
    return dueComplaints(rows);
  } catch (fault) {
    return [`due: ${fault instanceof Error ? fault.message : fault}`];
  }
}

/** @param {import('./bench/case.mjs').Bench} bench */
async function measurePages(bench) {
  const { apiComplaints, measureApi } = await import('./bench/api.mjs'); // needs the packages
  try {
    const rows = await measureApi(bench);
    report('api', rows);
    return apiComplaints(rows);
  } catch (fault) {
    return [`api: ${fault instanceof Error ? fault.message : fault}`];
  }
}

/** @param {string | undefined} name */
function chosen(name) {
  if (name && [ENGINES, DUE, API, ...PECULIAR].includes(name)) return [];
  const cases = CASES.filter((aCase) => !name || aCase.name === name);
  if (cases.length > 0) return cases;
  const names = [...CASES.map((aCase) => aCase.name), ...PECULIAR, ENGINES, DUE, API].join(', ');
  throw new Error(`there is no case ${name}; there are: ${names}`);
}

/** @param {Row} row */
function flat({ us_per_mail: times, ...row }) {
  return {
    ...row,
    ...Object.fromEntries(Object.entries(times).map(([of, time]) => [`us_${of}`, time])),
  };
}

/**
 * @param {string} part
 * @param {object[]} rows
 * @param {object[]} [shown]  as a table has them
 */
function report(part, rows, shown = rows) {
  const file = path.join(TARGET, `bench/${part}.json`);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, `${JSON.stringify(rows, null, 2)}\n`);
  console.table(shown);
  supervisor.say(`written to ${path.relative(process.cwd(), file)}`);
}
