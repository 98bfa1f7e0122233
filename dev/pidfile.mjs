// @ts-check
// The record of the processes that run from a folder: a supervisor killed with -9 leaves it, and the next one cleans up.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * @typedef {object} Running
 * @property {number} pid  also the id of its process group
 * @property {string} name
 * @property {string} mark  the beginning of its command line: a pid alone may belong to another program by now
 * @property {NodeJS.Signals} signal  what asks it to stop
 * @property {number} grace  seconds it may take for that
 */

/**
 * @param {string} file
 * @param {Running[]} running
 */
export function record(file, running) {
  const own = { pid: process.pid, mark: commandLine(process.pid) };
  fs.writeFileSync(`${file}.new`, JSON.stringify({ supervisor: own, running }, null, 1));
  fs.renameSync(`${file}.new`, file);
}

/**
 * Refuses to go on when another supervisor works in this folder; stops what a dead one has left.
 * @param {string} file
 * @param {(text: string) => void} say
 */
export async function recover(file, say) {
  const { supervisor, running } = read(file);
  if (supervisor && supervisor.pid !== process.pid && isRunning(supervisor))
    throw new Error(`already running here, as process ${supervisor.pid} (${path.dirname(file)})`);
  for (const left of running.reverse()) {
    if (!isRunning(left)) continue;
    say(`stopping ${left.name}, left by an earlier run (process ${left.pid})`);
    await end(left, () => isRunning(left));
  }
  fs.rmSync(file, { force: true });
}

/**
 * Asks a process group to stop, then makes it.
 * @param {Pick<Running, 'pid' | 'signal' | 'grace'>} running
 * @param {() => boolean} isAlive
 */
export async function end({ pid, signal, grace }, isAlive) {
  signalGroup(pid, signal);
  for (const deadline = Date.now() + grace * 1000; Date.now() < deadline; await sleep(50))
    if (!isAlive()) return;
  signalGroup(pid, 'SIGKILL');
  while (isAlive()) await sleep(50);
}

/**
 * @param {number} pid
 * @param {NodeJS.Signals} signal
 */
export function signalGroup(pid, signal) {
  try {
    process.kill(-pid, signal);
  } catch {
    // Gone already: that is what was wanted.
  }
}

/** @param {{ pid: number, mark: string }} known */
function isRunning({ pid, mark }) {
  return commandLine(pid).includes(mark);
}

/**
 * The command line of a process; empty when there is none (or only its zombie).
 * @param {number} pid
 */
export function commandLine(pid) {
  if (process.platform !== 'linux')
    // `ps` is not on every small Linux, /proc is
    return spawnSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' }).stdout.trim();
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}

/**
 * @param {string} file
 * @returns {{ supervisor?: { pid: number, mark: string }, running: Running[] }}
 */
function read(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch {
    return { running: [] };
  }
}
