// @ts-check
// The machine's own programs that tests and the bench need: installed where we may, named where we may not.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

/** Program → the Debian package that has it. */
const PACKAGES = {
  cc: 'build-essential',
  chromium: 'chromium',
  curl: 'curl',
  jq: 'jq',
  nginx: 'nginx-light',
  pg_config: 'libpq-dev',
  pgbench: 'postgresql',
  'python3-venv': 'python3-venv',
  'redis-server': 'redis-server',
  'smtp-sink': 'postfix',
  'smtp-source': 'postfix',
  wrk: 'wrk',
};

/** We want programs, not services: Postfix is not to be set up, and nothing is to be started. */
const ANSWERS = 'postfix postfix/main_mailer_type select No configuration\n';
const START_POLICY = '/usr/sbin/policy-rc.d';

/** @typedef {keyof typeof PACKAGES} Program */

/**
 * @param {import('./processes.mjs').Supervisor} supervisor
 * @param {readonly Program[]} programs
 */
export async function ensureInstalled(supervisor, programs) {
  const missing = programs.filter((program) => !isInstalled(program));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((program) => PACKAGES[program]))];
  if (process.getuid?.() !== 0 || !inPath('apt-get'))
    throw new Error(
      `needed, and not found on this machine: ${missing.join(', ')}. ` +
        `On Debian: sudo apt-get install ${packages.join(' ')}`,
    );
  supervisor.say(`installing ${packages.join(', ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const allowStarts = forbidStarts(supervisor);
  for (const [command, input] of /** @type {[string[], string?][]} */ ([
    [['apt-get', 'update', '--quiet']],
    [['debconf-set-selections'], ANSWERS],
    [['apt-get', 'install', '--quiet', '--yes', '--no-install-recommends', ...packages]],
  ]))
    await supervisor.step({ name: command.slice(0, 2).join(' '), command, env, input });
  allowStarts();
}

/**
 * Debian's own way to keep packages from starting their services; what the machine says already stays.
 * @param {import('./processes.mjs').Supervisor} supervisor
 */
function forbidStarts(supervisor) {
  if (fs.existsSync(START_POLICY)) return () => {};
  fs.writeFileSync(START_POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  const remove = () => fs.rmSync(START_POLICY, { force: true });
  supervisor.afterwards(remove); // also when the installation fails or is interrupted
  return remove;
}

/** The browser of the end-to-end tests. */
export function chromium() {
  return process.env.CHROMIUM || inPath('chromium');
}

/** @param {Program} program */
function isInstalled(program) {
  if (program === 'python3-venv') return hasVenv();
  return Boolean(program === 'chromium' ? chromium() : inPath(program));
}

/** Debian ships Python without what makes an environment of its own. */
function hasVenv() {
  return spawnSync('python3', ['-c', 'import ensurepip, venv']).status === 0;
}

/**
 * Where a program is; servers are looked for where Debian puts them, which is in no ordinary user's PATH.
 * @param {string} program
 */
export function inPath(program) {
  const folders = [...(process.env.PATH ?? '').split(path.delimiter), '/usr/sbin'];
  return folders.map((folder) => path.join(folder, program)).find((file) => fs.existsSync(file));
}
