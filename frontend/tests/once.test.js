// What a form creates is created once, also when its answer was lost.
import { expect, it, vi } from 'vitest';

import { once } from '../src/api/once.js';
import { ApiError } from '../src/api/problem.js';

/** A server that answers as told, a form's way to it, and what came there. @param {...(() => Promise<string>)} answers */
function sending(...answers) {
  let count = 0;
  /** @type {import('vitest').Mock<(body: {count: number}, key: import('../src/api/once.js').Key) => Promise<string>>} */
  const send = vi.fn(() => (answers.shift() ?? (() => Promise.resolve('made')))());
  const create = once((/** @type {{name: string}} */ { name }) => ({ name, count: ++count }), send);
  const bodies = () => send.mock.calls.map(([body]) => body.count);
  const keys = () => send.mock.calls.map(([, key]) => key['Idempotency-Key']);
  return { create, bodies, keys };
}
const lost = () => Promise.reject(new ApiError('network'));
const refused = () => Promise.reject(new ApiError('already_deleted', 409));

it('the same values are the same request until it is answered', async () => {
  const { create, bodies, keys } = sending(lost);
  await expect(create({ name: 'a' })).rejects.toThrow();
  expect(await create({ name: 'a' })).toBe('made');
  expect(bodies()).toEqual([1, 1]);
  expect(new Set(keys()).size).toBe(1);
  expect(keys()[0]).toMatch(/^[0-9a-f]{32}$/);
});

it('other values, and the same ones another time, are another request', async () => {
  const { create, bodies, keys } = sending(lost);
  await create({ name: 'a' }).catch(() => undefined);
  for (const name of ['b', 'b']) await create({ name });
  expect(new Set(keys()).size).toBe(3);
  expect(bodies()).toEqual([1, 2, 3]);
});

it('what was refused is over', async () => {
  const { create, bodies } = sending(refused);
  await create({ name: 'a' }).catch(() => undefined);
  await create({ name: 'a' });
  expect(bodies()).toEqual([1, 2]);
});
