// @ts-check
// A private Redis for the tests, from the machine's redis-server; keeps nothing on disk.
import { once } from 'node:events';
import net from 'node:net';

/**
 * @param {import('./processes.mjs').Supervisor} supervisor
 * @param {number} port
 */
export async function startRedis(supervisor, port) {
  await supervisor.start({
    name: 'Redis',
    command: [
      ...['redis-server', '--bind', '127.0.0.1', '--port', String(port)],
      ...['--save', '', '--appendonly', 'no'],
    ],
    cwd: supervisor.home,
    log: `${supervisor.home}/redis.log`,
  });
  await supervisor.until('Redis', async () => {
    const socket = net.connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.destroy();
    return true;
  });
  return `redis://127.0.0.1:${port}`;
}
