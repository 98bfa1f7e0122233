// @ts-check
// The machine's own programs that tests need: installed where we may, named where we may not.
import fs from 'node:fs';
import path from 'node:path';

/** Program → the Debian package that has it. */
const PACKAGES = { cc: 'build-essential', chromium: 'chromium', 'redis-server': 'redis-server' };

/** @typedef {keyof typeof PACKAGES} Program */

/**
 * @param {import('./processes.mjs').Supervisor} supervisor
 * @param {readonly Program[]} programs
 */
export async function ensureInstalled(supervisor, programs) {
  const missing = programs.filter((program) => !isInstalled(program));
  if (missing.length === 0) return;
  const packages = missing.map((program) => PACKAGES[program]);
  if (process.getuid?.() !== 0 || !inPath('apt-get'))
    throw new Error(
      `these tests need ${missing.join(' and ')}, not found on this machine. ` +
        `On Debian: sudo apt-get install ${packages.join(' ')}`,
    );
  supervisor.say(`installing ${packages.join(', ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const command of [
    ['apt-get', 'update', '--quiet'],
    ['apt-get', 'install', '--quiet', '--yes', '--no-install-recommends', ...packages],
  ])
    await supervisor.step({ name: command.slice(0, 2).join(' '), command, env });
}

/** The browser of the end-to-end tests. */
export function chromium() {
  return process.env.CHROMIUM || inPath('chromium');
}

/** @param {Program} program */
function isInstalled(program) {
  return Boolean(program === 'chromium' ? chromium() : inPath(program));
}

/** @param {string} program */
function inPath(program) {
  const folders = (process.env.PATH ?? '').split(path.delimiter);
  return folders.map((folder) => path.join(folder, program)).find((file) => fs.existsSync(file));
}
