// @ts-check
// A mail server that throws everything away, and how many mails it can be made to take: Postfix's test programs.
import { inPath } from '../requirements.mjs';

/** The client that knows its limit talks through as many sessions as the engine does. */
export const SESSIONS = 16;
/** Payload of the mails it sends, in bytes: about what ours are. */
const PAYLOAD = 2000;
/** More mails than this say nothing more about the limit. */
const ENOUGH_MAILS = 100_000;
const LIMIT_SECONDS = 300;

/**
 * @typedef {object} Sink
 * @property {number} pid
 * @property {number} port
 */

/**
 * @param {import('../processes.mjs').Supervisor} supervisor
 * @param {number} port
 * @returns {Promise<Sink>}
 */
export async function startSink(supervisor, port) {
  // It refuses to work as root.
  const account = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const pid = await supervisor.start({
    name: 'the null mail server',
    command: [inPath('smtp-sink') ?? 'smtp-sink', ...account, `127.0.0.1:${port}`, '1024'],
    cwd: '/',
  });
  return { pid, port };
}

/**
 * Mails per second that the sink takes from a client that does nothing but send one after another.
 * @param {import('../processes.mjs').Supervisor} supervisor
 * @param {Sink} sink
 * @param {number} mails
 */
export async function measureLimit(supervisor, { port }, mails) {
  const count = Math.min(mails, ENOUGH_MAILS);
  const begun = performance.now();
  await supervisor.step({
    name: 'smtp-source',
    command: [
      ...['timeout', String(LIMIT_SECONDS), inPath('smtp-source') ?? 'smtp-source', '-d'],
      ...['-s', String(SESSIONS), '-m', String(count), '-l', String(PAYLOAD)],
      ...['-M', 'localhost', '-f', 'sender@example.org', '-t', 'recipient@example.org'],
      `127.0.0.1:${port}`,
    ],
  });
  return count / ((performance.now() - begun) / 1000);
}
