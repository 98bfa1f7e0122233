// Following a mailing: events out of a stream however it is cut, silence told from an end, and what is worked out from them.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { effectScope } from 'vue';

import { setAccessToken } from '../src/api/client.js';
import { readEvents, Silent } from '../src/api/events.js';
import { timeLeft } from '../src/features/mailings/counts.js';
import { restOf, useLiveMailing } from '../src/features/mailings/live.js';

const PATIENCE = { firstMs: 50, silenceMs: 50 };
const bytes = new TextEncoder();

/** A body that says these pieces, and then ends or stays open. @param {(string | Uint8Array)[]} pieces @param {boolean} [open] */
const saying = (pieces, open = false) =>
  new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(typeof piece === 'string' ? bytes.encode(piece) : piece);
      if (!open) controller.close();
    },
  });

/** @param {ReadableStream} body @param {number} [most] */
async function heard(body, most = 10) {
  /** @type {import('../src/api/events.js').Told[]} */
  const events = [];
  await readEvents(body, (event) => events.push(event) < most, PATIENCE);
  return events.map(({ event, data }) => [event, data]);
}

it('an event is told once it is whole, however it was cut', async () => {
  const whole = bytes.encode('event: mailing\ndata: {"what":"Новости"}\n\n:\n\nevent: mailing\ndata: {}\n\n');
  const pieces = Array.from({ length: Math.ceil(whole.length / 3) }, (_, at) => whole.slice(3 * at, 3 * at + 3));
  expect(await heard(saying(pieces))).toEqual([
    ['mailing', '{"what":"Новости"}'],
    ['mailing', '{}'],
  ]);
  expect(await heard(saying(['event: mailing\ndata: {"half":']))).toEqual([]);
});

it('nothing more is read once enough was heard', async () => {
  expect(await heard(saying(['data: 1\n\ndata: 2\n\n', 'data: 3\n\n'], true), 2)).toHaveLength(2);
});

it('a stream that says nothing is given up, also after its first words', async () => {
  await expect(heard(saying([], true))).rejects.toThrow(Silent);
  await expect(heard(saying(['data: 1\n\n'], true))).rejects.toThrow(Silent);
});

it('the time left is told in the largest unit that says enough, and only where it can be known', () => {
  expect(timeLeft({ pending: 100 }, 50)).toEqual({ unit: 'moment', n: 1 });
  expect(timeLeft({ pending: 6100 }, 100)).toEqual({ unit: 'minutes', n: 2 });
  expect(timeLeft({ pending: 100_000 }, 10)).toEqual({ unit: 'hours', n: 3 });
  expect(timeLeft({ pending: 1_000_000 }, 1)).toEqual({ unit: 'days', n: 12 });
  expect(timeLeft({ pending: 0 }, 10)).toBeNull();
  expect(timeLeft({ pending: 10 }, 0)).toBeNull();
});

it('a stream that fails is tried again later and later, and never later than a minute', () => {
  expect([1, 2, 3, 4].map(restOf)).toEqual([2000, 4000, 8000, 16_000]);
  expect(restOf(40)).toBe(60_000);
});

/** @param {Partial<Api.Mailing>} [changes] */
const mailing = (changes) => JSON.stringify({ id: 7, status: 'running', last_run: null, ...changes });
const json = (/** @type {string} */ body, status = 200) =>
  new Response(body, { status, headers: { 'Content-Type': 'application/json' } });
/** @type {string[]} */
let asked = [];
/** @type {(live: boolean) => Response} */
let server;

beforeEach(() => {
  asked = [];
  setAccessToken('token');
  vi.useFakeTimers({ shouldAdvanceTime: true });
  vi.stubGlobal('fetch', async (/** @type {Request} */ { url }) => {
    const live = url.endsWith('/live');
    asked.push(live ? 'live' : 'once');
    return server(live);
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** @param {(live: ReturnType<typeof useLiveMailing>) => Promise<void>} look */
async function watching(look) {
  const scope = effectScope();
  await scope.run(() => look(useLiveMailing(7)));
  scope.stop();
}

it('what is told is shown, and nothing is asked for beside it', async () => {
  const told = `event: mailing\ndata: ${mailing({ state_reason: 'paused' })}\n\n`;
  server = (live) => (live ? new Response(saying([told], true)) : json(mailing()));
  await watching(async ({ mailing: shown }) => {
    await vi.waitFor(() => expect(shown.value?.state_reason).toBe('paused'));
    await vi.advanceTimersByTimeAsync(20_000);
    expect(asked).toEqual(['once', 'live']);
  });
});

it('where nothing can be told the mailing is asked for, and the stream is tried again', async () => {
  const refusal = JSON.stringify({ code: 'too_many_requests' });
  server = (live) => (live ? json(refusal, 429) : json(mailing()));
  await watching(async ({ mailing: shown, failure }) => {
    await vi.advanceTimersByTimeAsync(5000);
    expect(shown.value?.status).toBe('running');
    expect(failure.value).toBeNull();
    expect(asked.filter((what) => what === 'once').length).toBeGreaterThanOrEqual(3);
    expect(asked.filter((what) => what === 'live').length).toBe(2);
  });
});

it('of a mailing that is completed nothing more is expected', async () => {
  const told = `event: mailing\ndata: ${mailing({ status: 'completed' })}\n\n`;
  server = (live) => (live ? new Response(saying([told], true)) : json(mailing()));
  await watching(async ({ mailing: shown, load }) => {
    await vi.waitFor(() => expect(shown.value?.status).toBe('completed'));
    await vi.advanceTimersByTimeAsync(30_000);
    expect(asked).toEqual(['once', 'live']);
    await load(); // somebody has sent it again
    await vi.waitFor(() => expect(asked).toEqual(['once', 'live', 'once', 'live']));
  });
});
