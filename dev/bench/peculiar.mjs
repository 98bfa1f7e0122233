// @ts-check
// Unusual mail servers: one that takes a second for each mail, one that allows fewer connections than configured, one
// that closes its connections. Measures the slowdown, and checks that no failed attempt is recorded.
import { once } from 'node:events';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import { anyPorts } from '../ports.mjs';
import { withInstallation } from './installation.mjs';
import { createDueMailing } from './mailing.mjs';
import { assertRecorded, watchSending } from './sending.mjs';

/** @typedef {import('./case.mjs').Bench} Bench */
/**
 * @typedef {object} Server
 * @property {number} delayMs  that each mail takes
 * @property {number} [connections]  that it allows at the same time
 * @property {number} [mails]  after which it closes a connection
 */
/**
 * @typedef {object} PeculiarCase
 * @property {string} name
 * @property {number} recipients
 * @property {number} sessions
 * @property {Server} server
 * @property {number} [mostSeconds]
 * @property {{ server: Server, sessions: number, times: number }} [beside]  compared run, and the permitted ratio
 */
/**
 * @typedef {object} PeculiarRow
 * @property {string} case
 * @property {number} recipients
 * @property {number} sessions
 * @property {number} seconds  from the run's start to the last answer recorded
 * @property {number} most_seconds  that it may take
 */

const PROGRAM = fileURLToPath(new URL('./peculiar-server.mjs', import.meta.url));
const SLOW = { delayMs: 50 };

/** @type {PeculiarCase[]} */
const CASES = [
  { name: 'small', recipients: 20, sessions: 20, server: { delayMs: 1000 }, mostSeconds: 2 },
  {
    ...{ name: 'limited', recipients: 1000, sessions: 8, server: { ...SLOW, connections: 5 } },
    beside: { server: SLOW, sessions: 5, times: 1 / 0.8 },
  },
  {
    ...{ name: 'closing', recipients: 400, sessions: 4, server: { ...SLOW, mails: 1 } },
    beside: { server: SLOW, sessions: 4, times: 2 },
  },
];

/**
 * @param {Bench} bench
 * @param {string[]} names  of the cases to run
 * @returns {Promise<PeculiarRow[]>}
 */
export async function measurePeculiar(bench, names) {
  /** @type {PeculiarRow[]} */ const rows = [];
  for (const { name, recipients, sessions, server, mostSeconds = Infinity, beside } of CASES) {
    if (!names.includes(name)) continue;
    bench.supervisor.say(`${name}: ${recipients} recipients, ${sessions} sessions`);
    const plain = beside && (await send(bench, { name: `${name}_plain`, recipients, ...beside }));
    const seconds = await send(bench, { name, recipients, sessions, server });
    const most = plain && beside ? plain * beside.times : mostSeconds;
    rows.push({
      case: name,
      recipients,
      sessions,
      seconds: round(seconds),
      most_seconds: round(most),
    });
  }
  return rows;
}

/** @param {PeculiarRow[]} rows */
export function peculiarComplaints(rows) {
  const slow = rows.filter(({ seconds, most_seconds }) => seconds > most_seconds);
  return slow.map((row) => `${row.case}: ${row.seconds} s, and not ${row.most_seconds} at most`);
}

/**
 * Seconds from the run's start to the last answer recorded.
 * @param {Bench} bench
 * @param {{ name: string, recipients: number, sessions: number, server: Server }} job
 */
async function send(bench, { name, recipients, sessions, server }) {
  const { supervisor } = bench;
  const [port = 0] = await anyPorts(1);
  const { delayMs, connections = 0, mails = 0 } = server;
  const mailServer = await supervisor.start({
    name: 'the peculiar mail server',
    command: [process.execPath, PROGRAM, ...[port, delayMs, connections, mails].map(String)],
  });
  const options = { database: name, smtpPort: port, sessions };
  return withInstallation(bench, options, async ({ client, startEngine }) => {
    await supervisor.until('the peculiar mail server', () => greets(port));
    await createDueMailing(client, recipients);
    await startEngine();
    const { seconds } = await watchSending(client, recipients);
    await assertRecorded(client, recipients);
    return seconds;
  }).finally(() => supervisor.halt(mailServer));
}

/** @param {number} port */
async function greets(port) {
  const socket = net.connect(port, '127.0.0.1');
  await once(socket, 'data').finally(() => socket.destroy());
  return true;
}

/** @param {number} value */
function round(value) {
  return Number(value.toFixed(2));
}
