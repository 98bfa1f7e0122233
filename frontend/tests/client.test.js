// The API's door: one refresh for all who wait, and errors as one kind.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { api, ask, onSessionEnded, setAccessToken } from '../src/api/client.js';
import { ApiError } from '../src/api/problem.js';

/** @type {Request[]} */
let seen = [];
/** @type {(request: Request) => Response | Promise<Response>} */
let server = () => new Response(null, { status: 404 });

/** @param {unknown} body @param {number} [status] */
const json = (body, status = 200) =>
  new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json' } });
const pathOf = (/** @type {Request} */ request) => new URL(request.url).pathname;
const recipients = () => ask(api.GET('/api/v1/recipients', { params: { query: { page: 1 } } }));
const EMPTY = { items: [], total: 0, page: 1, per_page: 20 };

beforeEach(() => {
  seen = [];
  setAccessToken(null);
  vi.stubGlobal('fetch', async (/** @type {Request} */ request) => {
    seen.push(request);
    return server(request);
  });
});
afterEach(() => vi.unstubAllGlobals());

it('an expired token is renewed once for all calls that met it, and each is made again', async () => {
  server = async (request) => {
    if (pathOf(request) === '/api/v1/auth/refresh') return json({ access_token: 'fresh', user: {} });
    return request.headers.get('Authorization') === 'Bearer fresh'
      ? json(EMPTY)
      : json({ code: 'unauthenticated' }, 401);
  };
  setAccessToken('stale');
  const pages = await Promise.all([recipients(), recipients(), recipients()]);
  expect(pages).toEqual([EMPTY, EMPTY, EMPTY]);
  expect(seen.filter((request) => pathOf(request) === '/api/v1/auth/refresh')).toHaveLength(1);
});

it('a session that is over is told once and the call fails as unauthenticated', async () => {
  server = () => json({ code: 'unauthenticated' }, 401);
  const ended = vi.fn();
  onSessionEnded(ended);
  await expect(recipients()).rejects.toMatchObject({ code: 'unauthenticated', status: 401 });
  expect(ended).toHaveBeenCalledOnce();
});

it('a server that is away while the token is renewed does not end the session', async () => {
  server = (request) => {
    if (pathOf(request) === '/api/v1/auth/refresh') return json({ code: 'unavailable' }, 503);
    return json({ code: 'unauthenticated' }, 401);
  };
  const ended = vi.fn();
  onSessionEnded(ended);
  await expect(recipients()).rejects.toMatchObject({ code: 'unavailable' });
  expect(ended).not.toHaveBeenCalled();
});

it('no answer at all is an error of the network', async () => {
  server = () => Promise.reject(new TypeError('Failed to fetch'));
  await expect(recipients()).rejects.toMatchObject({ code: 'network', status: 0 });
});

it('the words of a proxy in between become an error of ours', async () => {
  server = () => new Response('<h1>Bad Gateway</h1>', { status: 502 });
  await expect(recipients()).rejects.toBeInstanceOf(ApiError);
  await expect(recipients()).rejects.toMatchObject({ code: 'unavailable', status: 502 });
});

it('fields that are wrong come along', async () => {
  const fields = [{ field: 'email', code: 'taken', message: '' }];
  server = () => json({ code: 'email_taken', fields }, 409);
  const call = ask(api.POST('/api/v1/recipients', { body: { email: 'a@example.com' } }));
  await expect(call).rejects.toMatchObject({ code: 'email_taken', fields });
});
