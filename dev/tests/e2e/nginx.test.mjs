// @ts-check
// nginx in front of the service, as in the frontend's image: the page from disk, the API from the backend, and the same
// headers as when the backend serves both.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { builtPage, freePort, startNginx } from './nginx.mjs';

const BACKEND = new URL(process.env.E2E_BASE_URL ?? 'http://127.0.0.1:8000');
const YEAR = 'public, max-age=31536000, immutable';
const root = builtPage();
const assets = fs.readdirSync(path.join(root, 'assets'));
const script = `/assets/${assets.find((name) => name.endsWith('.js'))}`;
const style = `/assets/${assets.find((name) => name.endsWith('.css'))}`;

/**
 * @typedef {object} Seen
 * @property {number} status
 * @property {string[]} names  of the headers as they came, in lower case
 * @property {http.IncomingHttpHeaders} headers
 * @property {Buffer} body
 */

/**
 * A request with nothing added and nothing undone.
 * @param {string | URL} url
 * @param {http.RequestOptions & { body?: string | Buffer }} [options]
 * @returns {Promise<Seen>}
 */
async function ask(url, { body, ...options } = {}) {
  const request = http.request(url, { agent: false, ...options });
  request.on('error', () => {}); // after the answer: the rest of a body that is refused finds nobody
  request.end(body);
  const [answer] = /** @type {[http.IncomingMessage]} */ (await once(request, 'response'));
  const chunks = [];
  for await (const chunk of answer) chunks.push(chunk);
  const names = answer.rawHeaders.filter((_, n) => n % 2 === 0);
  return {
    status: answer.statusCode ?? 0,
    names: names.map((name) => name.toLowerCase()),
    headers: answer.headers,
    body: Buffer.concat(chunks),
  };
}

/**
 * A backend that does what the test tells it.
 * @param {import('node:test').TestContext} t
 * @param {http.RequestListener} listener
 */
async function startBackend(t, listener) {
  const server = http.createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}`;
}

/** Scripts were `application/…` once; some versions of nginx still say so. @param {Seen} answer */
function kind({ headers }) {
  return headers['content-type']?.split(';')[0]?.replace('application/java', 'text/java');
}

test('says of everything what the backend says of it, and nothing twice', async (t) => {
  const nginx = await startNginx(t, { root, backend: BACKEND.host });
  const compared = [
    ...['content-security-policy', 'x-content-type-options', 'referrer-policy'],
    ...['cross-origin-opener-policy', 'strict-transport-security', 'cache-control'],
  ];
  for (const place of [
    ...['/', '/index.html', '/mailings', '/mailings/7/edit?tab=runs', '/confirm', '/favicon.svg'],
    ...['/letter', '/letter?a=1', '/letters', '/unsubscribe'],
    ...[script, style, '/assets/none.js', '/api/v1/home', '/api/v1/articles.rss', '/api/v1/none'],
    ...['/api/v1/mailings', '/api/docs/', '/api/openapi.json', '/readyz'],
  ]) {
    const [own, behind] = await Promise.all([ask(nginx + place), ask(new URL(place, BACKEND))]);
    assert.equal(own.status, behind.status, place);
    for (const name of compared) assert.equal(own.headers[name], behind.headers[name], place);
    if (own.status === 200) assert.equal(kind(own), kind(behind), place);
    const names = own.names.filter((name) => name !== 'vary');
    assert.deepEqual(names, [...new Set(names)], place);
  }
});

test('gives the page at every address of it, and never in place of a missing piece', async (t) => {
  const nginx = await startNginx(t, { root, backend: BACKEND.host });
  const index = fs.readFileSync(path.join(root, 'index.html'));
  for (const place of ['/', '/mailings', '/blog/spring', '/reset?x=1']) {
    const page = await ask(nginx + place);
    assert.deepEqual([page.status, page.body], [200, index], place);
    assert.equal(page.headers['cache-control'], 'no-cache', place);
    assert.equal(page.headers['content-type'], 'text/html; charset=utf-8', place);
  }
  assert.equal((await ask(nginx + script)).headers['cache-control'], YEAR);
  const missing = await ask(`${nginx}/assets/index-0123abcd.js`);
  assert.deepEqual([missing.status, missing.headers['cache-control']], [404, 'no-store']);
  assert.ok(!missing.body.includes('id="app"'));
});

test('sends what was compressed when the page was built, and asks again for what is unchanged', async (t) => {
  const nginx = await startNginx(t, { root, backend: BACKEND.host });
  const packed = await ask(nginx + script, { headers: { 'accept-encoding': 'gzip, br' } });
  assert.equal(packed.headers['content-encoding'], 'gzip');
  assert.equal(packed.headers.vary, 'Accept-Encoding');
  assert.deepEqual(gunzipSync(packed.body), fs.readFileSync(path.join(root, script)));
  const plain = await ask(nginx + script);
  assert.equal(plain.headers['content-encoding'], undefined);
  const page = await ask(`${nginx}/mailings`);
  const again = { headers: { 'if-none-match': page.headers.etag ?? '' } };
  assert.equal((await ask(`${nginx}/mailings`, again)).status, 304);
  const packedApi = { headers: { 'accept-encoding': 'gzip' } };
  const document = await ask(`${nginx}/api/openapi.json`, packedApi);
  assert.equal(document.headers['content-encoding'], 'gzip');
  assert.match(gunzipSync(document.body).toString(), /"openapi"/);
});

test('tells the backend from where a request comes, whatever the client says', async (t) => {
  const backend = await startBackend(t, (request, answer) => {
    answer.end(JSON.stringify(request.headers));
  });
  const headers = {
    'x-forwarded-for': '203.0.113.7, 198.51.100.1',
    'x-forwarded-host': 'elsewhere.example',
    'x-request-id': 'mine',
    forwarded: 'for=203.0.113.7',
    host: 'dispatch.example',
  };
  const direct = await startNginx(t, { root, backend });
  const told = JSON.parse(String((await ask(`${direct}/api/v1/me`, { headers })).body));
  assert.equal(told['x-forwarded-for'], '127.0.0.1');
  assert.equal(told.host, 'dispatch.example');
  assert.match(told['x-request-id'], /^[0-9a-f]{32}$/);
  assert.deepEqual([told.forwarded, told['x-forwarded-host']], [undefined, undefined]);

  const more = { TRUSTED_PROXY: '127.0.0.0/8' };
  const behindProxy = await startNginx(t, { root, backend, more });
  const named = JSON.parse(String((await ask(`${behindProxy}/api/v1/me`, { headers })).body));
  // Only what the proxy itself has added is believed.
  assert.equal(named['x-forwarded-for'], '198.51.100.1');
});

test('passes events on at once', async (t) => {
  /** @type {(text: string) => void} */ let say = () => {};
  const backend = await startBackend(t, (_request, answer) => {
    answer.writeHead(200, { 'content-type': 'text/event-stream' });
    say = (text) => answer.write(`data: ${text}\n\n`);
    say('first');
  });
  const nginx = await startNginx(t, { root, backend });
  const request = http.get(`${nginx}/api/v1/mailings/7/live`, { agent: false });
  t.after(() => request.destroy());
  const [answer] = await once(request, 'response');
  for (const text of ['first', 'second', 'third']) {
    const [chunk] = await once(answer, 'data'); // the next one is said when this one has come
    assert.equal(String(chunk), `data: ${text}\n\n`);
    say(text === 'first' ? 'second' : 'third');
  }
});

test('lets large bodies through, and refuses larger ones as the API does', async (t) => {
  const backend = await startBackend(t, async (request, answer) => {
    let size = 0;
    for await (const chunk of request) size += chunk.length;
    answer.end(String(size));
  });
  const nginx = await startNginx(t, { root, backend });
  const post = (/** @type {number} */ size) =>
    ask(`${nginx}/api/v1/images`, { method: 'POST', body: Buffer.alloc(size) });
  const largest = 8 * 1024 * 1024;
  assert.equal(String((await post(largest)).body), String(largest));
  const refused = await post(largest + 1);
  assert.equal(refused.status, 413);
  assert.equal(refused.headers['content-type'], 'application/problem+json');
  assert.equal(JSON.parse(String(refused.body)).code, 'payload_too_large');
});

test('says as a problem that the backend is away, and serves the page meanwhile', async (t) => {
  const nginx = await startNginx(t, { root, backend: `127.0.0.1:${await freePort()}` });
  const away = await ask(`${nginx}/api/v1/me`);
  assert.equal(away.status, 503);
  assert.equal(away.headers['content-type'], 'application/problem+json');
  assert.deepEqual([away.headers['retry-after'], away.headers['cache-control']], ['2', 'no-store']);
  assert.match(String(away.headers['content-security-policy']), /default-src 'self'/);
  const { request_id, ...problem } = JSON.parse(String(away.body));
  assert.match(request_id, /^[0-9a-f]{32}$/);
  assert.equal(away.headers['x-request-id'], request_id);
  assert.deepEqual(problem, {
    type: 'about:blank',
    title: 'Service Unavailable',
    status: 503,
    code: 'unavailable',
    detail: 'The service is busy or being restarted; try again soon.',
  });
  assert.equal((await ask(`${nginx}/readyz`)).status, 503);
  assert.equal((await ask(`${nginx}/healthz`)).status, 200);
  assert.equal((await ask(`${nginx}/mailings`)).status, 200);
});

test('asks browsers for TLS where the service is reached by it', async (t) => {
  const more = { PUBLIC_URL: 'https://dispatch.example' };
  const nginx = await startNginx(t, { root, backend: BACKEND.host, more });
  const page = await ask(`${nginx}/`);
  assert.equal(page.headers['strict-transport-security'], 'max-age=31536000');
});
