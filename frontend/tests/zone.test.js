// Wall clocks to UTC and back, over the days on which the clocks change.
import { describe, expect, it } from 'vitest';

import { allZones, localToUtc, offsetName, utcToLocal } from '../src/ui/zone.js';

describe('a time on the clocks of a zone', () => {
  it('is a moment in UTC, in summer and in winter', () => {
    expect(localToUtc('2026-01-15T09:00', 'Europe/Berlin')).toBe('2026-01-15T08:00:00.000Z');
    expect(localToUtc('2026-07-15T09:00', 'Europe/Berlin')).toBe('2026-07-15T07:00:00.000Z');
    expect(localToUtc('2026-07-15T09:00', 'Europe/Moscow')).toBe('2026-07-15T06:00:00.000Z');
    expect(localToUtc('2026-07-15T00:10', 'Asia/Kathmandu')).toBe('2026-07-14T18:25:00.000Z');
  });

  it('that spring skips moves forward by the gap', () => {
    const moment = localToUtc('2026-03-29T02:30', 'Europe/Berlin');
    expect(moment).toBe('2026-03-29T01:30:00.000Z');
    expect(utcToLocal(moment ?? '', 'Europe/Berlin')).toBe('2026-03-29T03:30');
    expect(localToUtc('2026-03-08T02:30', 'America/New_York')).toBe('2026-03-08T07:30:00.000Z');
  });

  it('that autumn repeats is its first moment', () => {
    expect(localToUtc('2026-10-25T02:30', 'Europe/Berlin')).toBe('2026-10-25T00:30:00.000Z');
    expect(localToUtc('2026-11-01T01:30', 'America/New_York')).toBe('2026-11-01T05:30:00.000Z');
    expect(localToUtc('2026-10-25T03:00', 'Europe/Berlin')).toBe('2026-10-25T02:00:00.000Z');
  });

  it('right after a change of half an hour is still exact', () => {
    expect(localToUtc('2026-10-04T02:15', 'Australia/Lord_Howe')).toBe('2026-10-03T15:45:00.000Z');
    expect(localToUtc('2026-10-04T03:00', 'Australia/Lord_Howe')).toBe('2026-10-03T16:00:00.000Z');
  });

  it('comes back unchanged through UTC for every hour of a year in zones of all kinds', () => {
    for (const zone of ['Europe/Moscow', 'Europe/Berlin', 'America/St_Johns', 'Pacific/Apia', 'UTC']) {
      for (let hour = 0; hour < 365 * 24; hour += 7) {
        const moment = new Date(Date.UTC(2026, 0, 1, hour)).toISOString();
        const again = localToUtc(utcToLocal(moment, zone), zone);
        const late = Date.parse(moment) - Date.parse(again ?? '');
        expect([0, 3_600_000]).toContain(late); // an hour: the second of two autumn moments
      }
    }
  });

  it('that is no time is nothing', () => {
    expect(localToUtc('', 'UTC')).toBeNull();
    expect(localToUtc('2026-13-40T99:99', 'UTC')).toBeNull();
  });
});

it('names how far a zone is from UTC', () => {
  expect(offsetName('Asia/Kathmandu', 0)).toBe('UTC+05:30');
  expect(offsetName('America/New_York', Date.UTC(2026, 0, 1))).toBe('UTC−05:00');
  expect(allZones()).toContain('Europe/Moscow');
});
