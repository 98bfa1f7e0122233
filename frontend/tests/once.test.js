// What a form creates is created once, also when its answer was lost.
import { expect, it, vi } from 'vitest';

import { once } from '../src/api/once.js';

/** A server that answers as told, a form's way to it, and what came there. @param {...(() => Promise<string>)} answers */
function sending(...answers) {
  let count = 0;
  const send = vi.fn(() => (answers.shift() ?? (() => Promise.resolve('made')))());
  const create = once((/** @type {{name: string}} */ { name }) => ({ name, count: ++count }), send);
  /** @returns {any[]} */
  const sent = () => send.mock.calls.map((/** @type {any[]} */ [request]) => request);
  const keys = () => sent().map(({ params }) => params.header['Idempotency-Key']);
  return { create, sent, keys };
}
const lost = () => Promise.reject(new Error('network'));

it('the same values are the same request until they have gone through', async () => {
  const { create, sent, keys } = sending(lost);
  await expect(create({ name: 'a' })).rejects.toThrow('network');
  expect(await create({ name: 'a' })).toBe('made');
  expect(sent()[1].body).toEqual(sent()[0].body);
  expect(new Set(keys()).size).toBe(1);
  expect(keys()[0]).toMatch(/^[0-9a-f]{32}$/);
});

it('other values, and the same ones another time, are another request', async () => {
  const { create, sent, keys } = sending(lost);
  await create({ name: 'a' }).catch(() => undefined);
  for (const name of ['b', 'b']) await create({ name });
  expect(new Set(keys()).size).toBe(3);
  expect(sent().map(({ body }) => body.count)).toEqual([1, 2, 3]);
});
