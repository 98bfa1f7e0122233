// @ts-check
// Which ports are chosen when some are taken, given twice, or nonsense.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { anyPorts, choosePorts } from '../ports.mjs';

test('a usual port that is free is used without a word', async () => {
  const [free = 0] = await anyPorts(1);
  const said = /** @type {string[]} */ ([]);
  assert.deepEqual(await choosePorts({ PORT: free }, {}, (text) => said.push(text)), {
    PORT: free,
  });
  assert.deepEqual(said, []);
});

test('a usual port that is taken moves up, and it is said', async (t) => {
  const taken = await listen(t);
  const said = /** @type {string[]} */ ([]);
  const { PORT: port = 0 } = await choosePorts({ PORT: taken }, {}, (text) => said.push(text));
  assert.ok(port > taken);
  assert.deepEqual(said, [`port ${taken} is taken: using ${port} (set PORT to choose)`]);
});

test('a given port that is taken is refused by the name of its variable', async (t) => {
  const taken = await listen(t);
  await assert.rejects(
    choosePorts({ PGPORT: 54_320 }, { PGPORT: String(taken) }, assert.fail),
    new RegExp(`^Error: PGPORT=${taken}: the port is taken`),
  );
});

test('a moved port does not land on a port that another variable asks for', async (t) => {
  const taken = await listen(t);
  const wanted = String(taken + 1);
  const isFree = await choosePorts({ SMTP_PORT: 1 }, { SMTP_PORT: wanted }, assert.fail).then(
    () => true,
    () => false,
  );
  if (!isFree) return t.skip('the neighbouring port is in use on this machine');
  const ports = await choosePorts({ PORT: taken, SMTP_PORT: 1 }, { SMTP_PORT: wanted }, () => {});
  assert.equal(ports.SMTP_PORT, taken + 1);
  assert.ok((ports.PORT ?? 0) > taken + 1);
});

test('two variables cannot ask for the same port', async () => {
  const [free = 0] = await anyPorts(1);
  const env = { PORT: String(free), SMTP_PORT: String(free) };
  await assert.rejects(
    choosePorts({ PORT: 1, SMTP_PORT: 2 }, env, assert.fail),
    /SMTP_PORT and PORT both ask for port/,
  );
});

for (const given of ['0', '65536', 'http', '-1', '80.5', ' '])
  test(`${JSON.stringify(given)} is not a port`, async () => {
    await assert.rejects(choosePorts({ PORT: 1 }, { PORT: given }, assert.fail), /is not a port/);
  });

/** @param {import('node:test').TestContext} t */
async function listen(t) {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return /** @type {net.AddressInfo} */ (server.address()).port;
}
