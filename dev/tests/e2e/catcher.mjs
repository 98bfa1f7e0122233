// @ts-check
// What the mail catcher has caught, asked through its own API.
import { setTimeout as sleep } from 'node:timers/promises';

const MAIL_URL = process.env.E2E_MAIL_URL ?? 'http://127.0.0.1:1080';
const PATIENCE_MS = 20_000;
const POLL_MS = 100;

/**
 * @typedef {object} Mail
 * @property {{ address: string, name: string }[]} to
 * @property {string} subject
 * @property {string} text
 * @property {string} html
 */

/**
 * Everything that came for an address.
 * @param {string} address
 * @returns {Promise<Mail[]>}
 */
export async function mailsTo(address) {
  const response = await fetch(`${MAIL_URL}/api/email`);
  /** @type {Mail[]} */
  const mails = await response.json();
  return mails.filter(({ to }) => to.some((one) => one.address === address));
}

/**
 * The first mail to an address, when it has come.
 * @param {string} address
 */
export function mailTo(address) {
  return eventually(`a mail to ${address}`, async () => (await mailsTo(address))[0]);
}

/**
 * Asks until there is an answer.
 * @template T
 * @param {string} what
 * @param {() => Promise<T | undefined>} ask
 */
export async function eventually(what, ask) {
  for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; await sleep(POLL_MS)) {
    const answer = await ask();
    if (answer !== undefined) return answer;
  }
  throw new Error(`${what} did not come within ${PATIENCE_MS / 1000} s`);
}
