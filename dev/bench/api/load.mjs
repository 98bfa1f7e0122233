// @ts-check
// Load on the API: as much as it takes, by wrk; and a steady stream of requests, as people make them.
import { setTimeout as sleep } from 'node:timers/promises';
import { inPath } from '../../requirements.mjs';

const SECONDS = 5;
const CONNECTIONS = 16;
/** wrk's units, in milliseconds. */
const UNITS = /** @type {Record<string, number>} */ ({ us: 0.001, ms: 1, s: 1000 });

/**
 * @typedef {object} Load
 * @property {number} rps
 * @property {number} p99_ms
 */

/**
 * Requests per second when sixteen connections ask again as soon as they have their answer.
 * @param {import('../../processes.mjs').Supervisor} supervisor
 * @param {string} url
 * @param {Record<string, string>} headers
 * @returns {Promise<Load>}
 */
export async function flood(supervisor, url, headers) {
  const given = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const said = await supervisor.step({
    name: 'wrk',
    command: [
      ...[inPath('wrk') ?? 'wrk', '-t', '2', '-c', String(CONNECTIONS), '-d', `${SECONDS}s`],
      ...['--latency', ...given, url],
    ],
    stdout: 'keep',
  });
  const failed = /Non-2xx or 3xx responses: (\d+)/.exec(said)?.[1];
  if (failed) throw new Error(`${url}: ${failed} answers were no success`);
  const [, p99 = '', unit = ''] = /99%\s+([\d.]+)(us|ms|s)/.exec(said) ?? [];
  const rps = Number(/Requests\/sec:\s+([\d.]+)/.exec(said)?.[1]);
  return { rps, p99_ms: Number(p99) * (UNITS[unit] ?? NaN) };
}

/**
 * So many requests a second, one path after another, whether the last one has been answered or not, as long as `goesOn`.
 * The time of an answer counts from when its request was due.
 * @param {string} site
 * @param {{ paths: string[], headers: Record<string, string>, perSecond: number }} what
 * @param {() => boolean} goesOn
 * @returns {Promise<Load>}
 */
export async function trickle(site, { paths, headers, perSecond }, goesOn) {
  const begun = performance.now();
  /** @type {number[]} */ const times = [];
  /** @type {Promise<void>[]} */ const asked = [];
  /** @type {unknown[]} */ const faults = [];
  const ask = async (/** @type {string} */ path, /** @type {number} */ due) => {
    const open = () => fetch(`${site}${path}`, { headers });
    // A connection that the server is just closing, for want of use, is no answer: a browser asks again on another.
    const answer = await open().catch(open);
    await answer.arrayBuffer();
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
    times.push(performance.now() - due);
  };
  for (let n = 0; goesOn(); n += 1) {
    const due = begun + (n * 1000) / perSecond;
    const early = due - performance.now();
    if (early > 0) await sleep(early);
    // Told at the end: a failure that nobody waits for yet would end the bench and leave its services behind.
    asked.push(ask(paths[n % paths.length] ?? '/', due).catch((fault) => void faults.push(fault)));
  }
  await Promise.all(asked);
  if (faults.length > 0) throw faults[0];
  times.sort((a, b) => a - b);
  const seconds = (performance.now() - begun) / 1000;
  return { rps: times.length / seconds, p99_ms: times[Math.floor(times.length * 0.99)] ?? NaN };
}
