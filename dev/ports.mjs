// @ts-check
// Which ports the services listen on: the ones asked for, or near the usual ones when those are taken.
import { once } from 'node:events';
import net from 'node:net';

const HOST = '127.0.0.1';
/** How far from a taken usual port we look. */
const REACH = 200;

/**
 * Ports for the named environment variables. One that is set is taken at its word: not free is an error that names
 * the variable. One that is not set starts from the usual port and moves up to the next free one, and says so.
 * @param {Record<string, number>} usual  variable name → usual port
 * @param {NodeJS.ProcessEnv} env
 * @param {(text: string) => void} say
 * @returns {Promise<Record<string, number>>}
 */
export async function choosePorts(usual, env, say) {
  /** @type {Map<string, number>} */ const chosen = new Map();
  // The given ones first: a moved port must not land on a port that another variable asks for.
  for (const name of Object.keys(usual)) {
    const given = env[name];
    if (given) chosen.set(name, await givenPort(name, given, [...chosen]));
  }
  for (const [name, port] of Object.entries(usual)) {
    if (chosen.has(name)) continue;
    const free = await nextFree(port, [...chosen.values()]);
    if (free !== port) say(`port ${port} is taken: using ${free} (set ${name} to choose)`);
    chosen.set(name, free);
  }
  return Object.fromEntries(chosen);
}

/**
 * Any free ports, all different.
 * @param {number} count
 */
export async function anyPorts(count) {
  const servers = Array.from({ length: count }, () => net.createServer().listen(0, HOST));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => /** @type {net.AddressInfo} */ (server.address()).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

/**
 * @param {string} name
 * @param {string} given
 * @param {[string, number][]} chosen
 */
async function givenPort(name, given, chosen) {
  const port = Number(given);
  if (!/^\d+$/.test(given) || port < 1 || port > 65_535)
    throw new Error(`${name}=${given} is not a port: 1 to 65535`);
  const twin = chosen.find(([, other]) => other === port);
  if (twin) throw new Error(`${name} and ${twin[0]} both ask for port ${port}`);
  const fault = await listenFault(port);
  if (fault === 'EADDRINUSE')
    throw new Error(
      `${name}=${port}: the port is taken by another program. Set ${name} to a free one`,
    );
  if (fault) throw new Error(`${name}=${port}: cannot listen there (${fault}). Choose another one`);
  return port;
}

/**
 * @param {number} from
 * @param {number[]} avoid
 */
async function nextFree(from, avoid) {
  for (let port = from; port < from + REACH; port++)
    if (!avoid.includes(port) && !(await listenFault(port))) return port;
  throw new Error(`no free port from ${from} to ${from + REACH - 1}`);
}

/**
 * Why nothing can listen on this port; undefined when something can.
 * @param {number} port
 * @returns {Promise<string | undefined>}
 */
function listenFault(port) {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.on('error', (/** @type {NodeJS.ErrnoException} */ fault) => resolve(fault.code));
    server.listen(port, HOST, () => server.close(() => resolve(undefined)));
  });
}
