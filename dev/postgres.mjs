// @ts-check
// A private PostgreSQL 18 from npm's platform packages: nothing to install, no root needed, stopped with the rest.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { DEV, installPackages } from './build.mjs';
import { commandLine, end } from './pidfile.mjs';
import { anyPorts } from './ports.mjs';
import { settle } from './postgres-place.mjs';

/** @typedef {import('./processes.mjs').Supervisor} Supervisor */
/** @typedef {import('./postgres-place.mjs').Place} Place */

const USER = 'dispatch';
/** "Fast": does not wait for clients to leave. */
const STOP_SIGNAL = 'SIGINT';
const STOP_SECONDS = 30;
/**
 * A `kept` cluster is created once and found again. The others are new, and gone afterwards: a `disposable` one is fast
 * and safe against nothing, a `measured` one works as a kept one does.
 * @typedef {'kept' | 'disposable' | 'measured'} Lifetime
 */

/** Tests want many connections, and lose nothing when the machine goes down. */
const FAST = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'max_connections=200'];

/** Made for a machine of twenty years ago, the defaults have a run of a million read and write its tables again and again. */
const ROOMY = ['shared_buffers=512MB', 'max_wal_size=4GB', 'wal_buffers=16MB'];

/**
 * Starts the server and returns what makes the URL of one of its databases (`dispatch`, or `postgres` for maintenance).
 * @param {Supervisor} supervisor
 * @param {number} port
 * @param {Lifetime} lifetime
 */
export async function startPostgres(supervisor, port, lifetime) {
  const place = await settle(supervisor.home, supervisor.say);
  const pgdata = path.join(place.folder, 'pg18');
  await release(supervisor, pgdata);
  if (lifetime !== 'kept') {
    fs.rmSync(pgdata, { recursive: true, force: true });
    supervisor.afterwards(() => fs.rmSync(pgdata, { recursive: true, force: true }));
  }
  if (!fs.existsSync(pgdata)) await create(supervisor, place, lifetime);
  await launch(supervisor, place, [
    ...['-D', pgdata, '-p', String(port)],
    ...['listen_addresses=127.0.0.1', 'unix_socket_directories='].flatMap((o) => ['-c', o]),
    ...(lifetime === 'disposable' ? FAST : ROOMY).flatMap((o) => ['-c', o]),
  ]);
  const password = fs.readFileSync(path.join(place.folder, 'pg.secret'), 'utf8');
  return (/** @type {string} */ database) =>
    `postgres://${USER}:${password}@127.0.0.1:${port}/${database}`;
}

/**
 * Where it writes down what it does.
 * @param {Supervisor} supervisor
 */
export async function postgresLog(supervisor) {
  const { folder } = await settle(supervisor.home, supervisor.say);
  return path.join(folder, 'postgres.log');
}

/**
 * One for tests, on whatever port is free.
 * @param {Supervisor} supervisor
 */
export async function disposablePostgres(supervisor) {
  await installPackages(supervisor, DEV);
  const [port = 0] = await anyPorts(1);
  return startPostgres(supervisor, port, 'disposable');
}

/**
 * Under a temporary name, then renamed: an interrupted initdb leaves nothing half-made.
 * @param {Supervisor} supervisor
 * @param {Place} place
 * @param {Lifetime} lifetime
 */
async function create(supervisor, place, lifetime) {
  supervisor.say('creating the database cluster');
  const secret = path.join(place.folder, 'pg.secret');
  const made = path.join(place.folder, 'pg18.new');
  fs.writeFileSync(secret, randomBytes(18).toString('base64url'), { mode: 0o600 });
  fs.rmSync(made, { recursive: true, force: true });
  fs.mkdirSync(made, { mode: 0o700 });
  if (place.uid !== undefined)
    for (const file of [made, secret]) fs.chownSync(file, place.uid, place.gid ?? 0);
  const shared = { ...place.as, log: path.join(place.folder, 'initdb.log') };
  await supervisor.step({
    ...shared,
    name: 'initdb',
    // Without the built-in C.UTF-8, lower() and ILIKE would pass Cyrillic by in silence.
    command: [
      path.join(place.native, 'bin/initdb'),
      ...['-D', made, '-U', USER, '-A', 'scram-sha-256', `--pwfile=${secret}`, '-E', 'UTF8'],
      ...['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
      ...['--no-instructions', ...(lifetime === 'kept' ? [] : ['--no-sync'])],
    ],
  });
  await supervisor.step({
    ...shared,
    name: 'createdb', // the packages have no psql: the single-user server takes the command
    command: [path.join(place.native, 'bin/postgres'), '--single', '-D', made, 'postgres'],
    input: `CREATE DATABASE ${USER};\n`,
  });
  fs.renameSync(made, path.join(place.folder, 'pg18'));
}

/**
 * @param {Supervisor} supervisor
 * @param {Place} place
 * @param {string[]} options
 */
async function launch(supervisor, place, options) {
  const pid = await supervisor.start({
    ...place.as,
    name: 'PostgreSQL',
    command: [path.join(place.native, 'bin/postgres'), ...options],
    log: path.join(place.folder, 'postgres.log'),
    signal: STOP_SIGNAL,
    grace: STOP_SECONDS,
  });
  const pgdata = path.join(place.folder, 'pg18');
  await supervisor.until('PostgreSQL', () => {
    const lock = readLock(pgdata);
    return lock?.pid === pid && lock.status === 'ready';
  });
}

/**
 * A server that still holds the cluster is stopped. A lock that is left then is nobody's, though PostgreSQL would take
 * a zombie, or another program with that number, for its holder. Children of a dead server are no danger: it refuses
 * to start as long as one of them holds the shared memory of this folder.
 * @param {Supervisor} supervisor
 * @param {string} pgdata
 */
async function release(supervisor, pgdata) {
  const pid = readLock(pgdata)?.pid ?? 0;
  const isServer = () => commandLine(pid).includes(pgdata);
  if (isServer()) {
    supervisor.say(`stopping PostgreSQL, left by an earlier run (process ${pid})`);
    await end({ pid, signal: STOP_SIGNAL, grace: STOP_SECONDS }, isServer);
  }
  fs.rmSync(path.join(pgdata, 'postmaster.pid'), { force: true });
}

/**
 * The server's own lock file: its process on line 1, its state on line 8.
 * @param {string} pgdata
 */
function readLock(pgdata) {
  const file = path.join(pgdata, 'postmaster.pid');
  if (!fs.existsSync(file)) return undefined;
  const lines = fs.readFileSync(file, 'utf8').split('\n');
  return { pid: Number(lines[0]), status: lines[7]?.trim() };
}
