// Periods of the statistics: whole days of the user's zone, today counted in.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { daysOf, isPeriod, statsQuery } from '../src/features/stats/stats.js';

const MOSCOW = 'Europe/Moscow';

beforeEach(() => {
  vi.useFakeTimers({ now: new Date('2026-11-21T22:30:00Z') }); // the 22nd in Moscow
});
afterEach(() => {
  vi.useRealTimers();
});

it('counts today, which is another day elsewhere', () => {
  expect(daysOf({ period: '7' }, MOSCOW)).toEqual({ from: '2026-11-16', to: '2026-11-22' });
  expect(daysOf({ period: '7' }, 'UTC')).toEqual({ from: '2026-11-15', to: '2026-11-21' });
});

it('asks from midnight to midnight of the zone', () => {
  const query = statsQuery({ period: 'own', from: '2026-11-01', to: '2026-11-02', owner_id: '3' }, MOSCOW);
  expect(query).toEqual({
    from: '2026-10-31T21:00:00.000Z',
    to: '2026-11-02T21:00:00.000Z',
    time_zone: MOSCOW,
    owner_id: 3,
  });
});

it('knows what the API would refuse', () => {
  const own = (/** @type {string} */ from, /** @type {string} */ to) => isPeriod({ period: 'own', from, to }, MOSCOW);
  expect([own('2026-01-01', '2026-01-01'), own('2026-01-01', '2027-01-01')]).toEqual([true, true]);
  expect([own('2026-01-02', '2026-01-01'), own('2026-01-01', '2027-01-02')]).toEqual([false, false]);
  expect(isPeriod({ period: '365' }, MOSCOW)).toBe(true);
});
