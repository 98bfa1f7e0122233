// @ts-check
// Makes what is run: npm packages, the backend, the page; each only when something has changed.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** @typedef {import('./processes.mjs').Supervisor} Supervisor */

export const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
export const DEV = path.join(ROOT, 'dev');
export const FRONTEND = path.join(ROOT, 'frontend');
export const FRONTEND_DIST = path.join(FRONTEND, 'dist');
/** Where cargo builds. */
export const TARGET = path.resolve(ROOT, process.env.CARGO_TARGET_DIR ?? 'target');

/** What in frontend/ does not end up in the built page. */
const NOT_SOURCES = [
  'coverage',
  'dist',
  'node_modules',
  'playwright-report',
  'test-results',
  'tests',
];

/**
 * Installs the packages of a folder unless they are at least as new as its lock file.
 * @param {Supervisor} supervisor
 * @param {string} folder
 */
export async function installPackages(supervisor, folder) {
  const lock = path.join(folder, 'package-lock.json');
  const installed = path.join(folder, 'node_modules/.package-lock.json'); // npm writes it last
  if (changedAt(installed) >= changedAt(lock)) return;
  const name = `npm ci in ${path.basename(folder)}/`;
  supervisor.say(name);
  await supervisor.step({
    name,
    command: ['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund'],
    cwd: folder,
  });
}

/**
 * @param {Supervisor} supervisor
 * @returns {Promise<string>} the program
 */
export async function buildBackend(supervisor) {
  supervisor.say('building the backend (the first time takes some minutes)');
  await supervisor.step({
    name: 'cargo build --release',
    command: ['cargo', 'build', '--release', '--locked'],
    cwd: ROOT,
  });
  return program('release');
}

/**
 * As it is shipped: optimised across crates, which takes its time.
 * @param {Supervisor} supervisor
 * @returns {Promise<string>} the program
 */
export async function buildDistribution(supervisor) {
  supervisor.say('building the backend as it is shipped (the first time takes ten minutes or so)');
  await supervisor.step({
    name: 'cargo build --profile dist',
    command: ['cargo', 'build', '--profile', 'dist', '--locked'],
    cwd: ROOT,
  });
  return program('dist');
}

/** @param {'release' | 'debug' | 'dist'} profile */
export function program(profile) {
  return path.join(TARGET, profile, 'dispatch');
}

/** @param {Supervisor} supervisor */
export async function buildPage(supervisor) {
  if (changedAt(path.join(FRONTEND_DIST, 'index.html')) > newestSource()) return;
  await installPackages(supervisor, FRONTEND);
  supervisor.say('building the page');
  await supervisor.step({
    name: 'the build of the page',
    command: ['npm', 'run', 'build'],
    cwd: FRONTEND,
  });
}

/** When something under frontend/ last changed; folders count too, or a deleted file would go unnoticed. */
function newestSource() {
  const tops = fs.readdirSync(FRONTEND).filter((name) => !NOT_SOURCES.includes(name));
  return Math.max(0, ...tops.map((name) => newestIn(path.join(FRONTEND, name))));
}

/**
 * @param {string} place
 * @returns {number}
 */
export function newestIn(place) {
  if (!fs.statSync(place, { throwIfNoEntry: false })?.isDirectory()) return changedAt(place);
  const inside = fs.readdirSync(place).map((name) => newestIn(path.join(place, name)));
  return Math.max(changedAt(place), ...inside);
}

/** @param {string} file */
function changedAt(file) {
  return fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
