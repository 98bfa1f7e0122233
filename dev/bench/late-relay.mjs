// @ts-check
// A program: passes connections on to a local port and lets every reply come late. Arguments: port, its port, ms.
import net from 'node:net';

const HOST = '127.0.0.1';
const [port = 0, target = 0, delay = 0] = process.argv.slice(2).map(Number);

net
  .createServer({ noDelay: true }, (client) => {
    const server = net.connect({ host: HOST, port: target, noDelay: true });
    client.pipe(server);
    server.on('data', (reply) => setTimeout(() => client.write(reply), delay));
    server.on('end', () => setTimeout(() => client.end(), delay));
    for (const [one, other] of [
      [client, server],
      [server, client],
    ])
      one?.on('error', () => other?.destroy());
  })
  .listen(port, HOST);
