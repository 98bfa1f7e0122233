// @ts-check
// A mail server that throws everything away, and how many mails it can be made to take: Postfix's test programs.
import { once } from 'node:events';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import { anyPorts } from '../ports.mjs';
import { inPath } from '../requirements.mjs';

/** Payload of the mails it sends, in bytes: with its own headers they are as long as ours are with all of theirs. */
const PAYLOAD = 2600;
/** Fewer mails say little about the limit; more mails, or more time, say nothing more. */
const ENOUGH_MAILS = 200_000;
const ENOUGH_SECONDS = 15;
/** It waits for a reply to MAIL, RCPT, DATA and the dot, one after another. */
const REPLIES = 4;
const TIMEOUT_SECONDS = 300;

const RELAY = fileURLToPath(new URL('./late-relay.mjs', import.meta.url));

/**
 * @typedef {object} Sink
 * @property {number[]} pids  of its processes
 * @property {number} port
 * @property {number} sessions
 * @property {number} replyDelayMs
 */

/**
 * @param {import('../processes.mjs').Supervisor} supervisor
 * @param {Pick<Sink, 'sessions' | 'replyDelayMs'>} how
 * @returns {Promise<Sink>}
 */
export async function startSink(supervisor, { sessions, replyDelayMs }) {
  const [port = 0, relayPort = 0] = await anyPorts(2);
  // It refuses to work as root.
  const account = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const sink = await supervisor.start({
    name: 'the null mail server',
    command: [program('smtp-sink'), ...account, `127.0.0.1:${port}`, '1024'],
    cwd: '/',
  });
  await supervisor.until('the null mail server', () => greets(port));
  if (!replyDelayMs) return { pids: [sink], port, sessions, replyDelayMs };
  const relay = await supervisor.start({
    name: 'the relay before it',
    command: [process.execPath, RELAY, ...[relayPort, port, replyDelayMs].map(String)],
  });
  await supervisor.until('the relay before it', () => greets(relayPort));
  return { pids: [relay, sink], port: relayPort, sessions, replyDelayMs };
}

/**
 * Mails per second that the sink takes from a client that does nothing but send one after another.
 * @param {import('../processes.mjs').Supervisor} supervisor
 * @param {Sink} sink
 */
export async function measureLimit(supervisor, { port, sessions, replyDelayMs }) {
  const inTime = ENOUGH_SECONDS * sessions * (1000 / (REPLIES * replyDelayMs));
  const count = Math.floor(Math.min(ENOUGH_MAILS, inTime));
  const begun = performance.now();
  await supervisor.step({
    name: 'smtp-source',
    command: [
      ...['timeout', String(TIMEOUT_SECONDS), program('smtp-source'), '-d'],
      ...['-s', String(sessions), '-m', String(count), '-l', String(PAYLOAD)],
      ...['-M', 'localhost', '-f', 'sender@example.org', '-t', 'recipient@example.org'],
      `127.0.0.1:${port}`,
    ],
  });
  return count / ((performance.now() - begun) / 1000);
}

/** @param {number} port */
async function greets(port) {
  const socket = net.connect(port, '127.0.0.1');
  await once(socket, 'data').finally(() => socket.destroy());
  return true;
}

/** @param {import('../requirements.mjs').Program} name */
function program(name) {
  return inPath(name) ?? name;
}
