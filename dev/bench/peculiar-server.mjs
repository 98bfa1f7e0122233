// @ts-check
// A mail server that discards everything and is slow, strict or limited in connections. Arguments: port, ms that each
// mail takes, concurrent connections (0: any number), mails after which it closes a connection (0: never).
import net from 'node:net';
import readline from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const [port = 0, delay = 0, connections = 0, mails = 0] = process.argv.slice(2).map(Number);

/** @type {Record<string, string>} */
const ANSWERS = {
  EHLO: '250-peculiar\r\n250-PIPELINING\r\n250 8BITMIME',
  MAIL: '250 2.1.0 ok',
  RCPT: '250 2.1.5 ok',
  DATA: '354 go ahead',
  RSET: '250 2.0.0 ok',
};

let open = 0;

/** @param {net.Socket} socket */
async function converse(socket) {
  const say = (/** @type {string} */ line) => socket.write(`${line}\r\n`);
  say('220 peculiar ESMTP');
  let taken = 0;
  let isBody = false;
  for await (const line of readline.createInterface({ input: socket, crlfDelay: Infinity })) {
    if (isBody) {
      if (line !== '.') continue;
      isBody = false;
      await sleep(delay);
      say('250 2.0.0 queued');
      taken++;
      if (taken === mails) return;
      continue;
    }
    const verb = line.slice(0, 4).toUpperCase();
    if (verb === 'QUIT') {
      say('221 2.0.0 bye');
      return;
    }
    isBody = verb === 'DATA';
    say(ANSWERS[verb] ?? '500 5.5.2 unknown command');
  }
}

net
  .createServer({ noDelay: true }, (socket) => {
    open++;
    socket.on('close', () => open--);
    socket.on('error', () => socket.destroy());
    if (connections > 0 && open > connections) {
      socket.end('421 4.7.0 too many connections\r\n');
      return;
    }
    converse(socket).then(
      () => socket.end(),
      () => socket.destroy(),
    );
  })
  .listen(port, '127.0.0.1');
