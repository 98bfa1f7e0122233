// From the form of a mailing to what the server is sent.
import { expect, it } from 'vitest';

import {
  draftLike,
  draftOf,
  missingOf,
  newDraft,
  recipientsOf,
  scheduleOf,
  knownSchedule,
} from '../src/features/mailings/draft.js';
import { leftToSend, sendsAtOnce } from '../src/features/mailings/timing.js';

/** @returns {Api.Mailing} */
function mailing() {
  const moment = '2026-03-01T06:00:17.250Z';
  return /** @type {Api.Mailing} */ ({
    id: 1,
    message_id: 5,
    message_subject: 'News',
    starts_at: moment,
    starts_at_local: '2026-03-01T09:00:17.250',
    ends_at: null,
    ends_at_local: null,
    recurrence: 'weekly',
    time_zone: 'Europe/Moscow',
    on_uncertain: 'hold',
  });
}

it('a new mailing goes to nobody and at no time until both are chosen', () => {
  const draft = { ...newDraft('Europe/Moscow'), message_id: 5 };
  expect(recipientsOf(draft)).toBeNull();
  expect(knownSchedule(draft)).toBeNull();
  expect(missingOf(draft).map(({ field }) => field)).toEqual(['recipients', 'starts_at']);
  expect(sendsAtOnce(draft)).toBe(false);
});

it('a mailing that begins now begins by the clock of the server', () => {
  const draft = { ...newDraft('Europe/Moscow'), start: /** @type {const} */ ('now') };
  expect(knownSchedule(draft)).toMatchObject({ start_now: true, time_zone: 'Europe/Moscow' });
  expect(knownSchedule(draft)).not.toHaveProperty('starts_at');
  expect(sendsAtOnce(draft)).toBe(true);
});

it('a new mailing is sent at once when its start has come, unless that is a day ago and more', () => {
  const now = Date.parse('2026-03-05T06:00:00Z');
  const at = (/** @type {string} */ starts_local) =>
    sendsAtOnce({ ...newDraft('UTC'), start: 'at', starts_local }, null, now);
  expect(at('2026-03-05T06:01')).toBe(false);
  expect(at('2026-03-05T06:00')).toBe(true);
  expect(at('2026-03-04T06:01')).toBe(true);
  expect(at('2026-03-04T06:00')).toBe(false);
  expect(at('2025-03-05T06:00')).toBe(false);
  expect(at('')).toBe(false);
});

it('a start that a clock change skips or repeats has come when the server says so', () => {
  const at = (/** @type {string} */ starts_local, /** @type {string} */ now) =>
    sendsAtOnce({ ...newDraft('America/New_York'), start: 'at', starts_local }, null, Date.parse(now));
  // Skipped: half past three stands for it.
  expect(at('2027-03-14T02:30', '2027-03-14T07:29:59Z')).toBe(false);
  expect(at('2027-03-14T02:30', '2027-03-14T07:30:00Z')).toBe(true);
  // Repeated: the first time counts, also while the clock shows less again.
  expect(at('2026-11-01T01:45', '2026-11-01T05:44:59Z')).toBe(false);
  expect(at('2026-11-01T01:45', '2026-11-01T06:10:00Z')).toBe(true);
});

it('saving a stored mailing sends at once only what was never sent and is moved to now', () => {
  const now = Date.parse('2026-03-05T06:00:30Z');
  const stored = { ...mailing(), starts_at_local: '2026-03-09T06:00:00', time_zone: 'UTC', last_run_at: null };
  const moved = (/** @type {Partial<Api.Mailing>} */ changes, starts_local = '2026-03-05T06:00') => {
    const before = { ...stored, ...changes };
    return sendsAtOnce({ ...draftOf(before), starts_local }, before, now);
  };
  expect(moved({})).toBe(true);
  expect(moved({}, '2026-03-05T06:01')).toBe(false);
  expect(moved({}, '2026-03-03T06:00')).toBe(false);
  expect(moved({ last_run_at: '2026-03-01T06:00:00Z' })).toBe(false);
  expect(moved({ paused_at: '2026-03-01T06:00:00Z' })).toBe(false);
  expect(moved({ starts_at_local: '2026-03-05T06:00:00' })).toBe(false);
});

it('what goes on sends what its run has left, or everything where its time has come', () => {
  const counts = /** @type {Api.Counts} */ ({ total: 9, pending: 3, deferred: 2, accepted: 4 });
  const now = Date.parse('2026-03-05T06:00:00Z');
  const left = (/** @type {Partial<Api.Mailing>} */ changes) =>
    leftToSend({ ...mailing(), recipients_count: 9, next_run_at: null, last_run: null, ...changes }, now);
  const run = (/** @type {Api.Run['status']} */ status) => /** @type {Api.Run} */ ({ id: 7, status, counts });
  expect(left({ last_run: run('paused') })).toBe(5);
  expect(left({ last_run: run('finished') })).toBe(0);
  expect(left({ last_run: run('finished'), next_run_at: '2026-03-05T06:00:00Z' })).toBe(9);
  expect(left({ next_run_at: '2026-03-05T06:00:01Z' })).toBe(0);
});

it('times that were not touched are not sent, and keep their seconds', () => {
  const stored = { ...mailing(), ends_at: '2026-04-01T06:00:00Z', ends_at_local: '2026-04-01T09:00:00' };
  expect(scheduleOf(draftOf(stored), stored)).toEqual({ time_zone: 'Europe/Moscow', recurrence: 'weekly' });
});

it('a time is sent as it was typed, also where the clock skips it', () => {
  const draft = {
    ...newDraft('America/New_York'),
    start: /** @type {const} */ ('at'),
    starts_local: '2027-03-14T02:30',
    ends_local: '2028-03-12T02:30',
  };
  expect(scheduleOf(draft)).toMatchObject({ starts_at_local: '2027-03-14T02:30', ends_at_local: '2028-03-12T02:30' });
});

it('another zone moves the moment, not the clock', () => {
  const stored = mailing();
  const draft = { ...draftOf(stored), time_zone: 'Europe/Berlin' };
  expect(scheduleOf(draft, stored).starts_at_local).toBe('2026-03-01T09:00');
});

it('one like another keeps the time that was typed where its next date was moved', () => {
  const now = Date.parse('2027-03-10T00:00:00Z');
  const moved = { ...mailing(), time_zone: 'America/New_York', starts_at_local: '2027-03-07T02:30:00' };
  const next_run_at = '2027-03-14T07:30:00Z'; // 03:30 there
  expect(draftLike({ ...moved, next_run_at }, now).starts_local).toBe('2027-03-14T02:30');
});

it('an emptied end takes the end away', () => {
  const stored = { ...mailing(), ends_at: '2026-04-01T06:00:00Z', ends_at_local: '2026-04-01T09:00:00' };
  expect(scheduleOf({ ...draftOf(stored), ends_local: '' }, stored).ends_at).toBeNull();
});

it('recipients are sent only when they were chosen anew', () => {
  const draft = draftOf(mailing());
  expect(recipientsOf(draft)).toBeNull();
  expect(recipientsOf({ ...draft, audience: 'all' })).toEqual({ all: true });
  expect(recipientsOf({ ...draft, audience: 'search', q: 'anna' })).toEqual({ q: 'anna' });
  expect(recipientsOf({ ...draft, audience: 'chosen', ids: [3, 4] })).toEqual({ ids: [3, 4] });
});

it('what the server could not read is named before it is asked', () => {
  const draft = { ...newDraft('UTC'), audience: /** @type {const} */ ('chosen') };
  expect(missingOf(draft).map(({ field }) => field)).toEqual(['message_id', 'recipients', 'starts_at']);
});

it('what becomes of a lost answer is kept, and a new mailing sends again', () => {
  expect(draftOf(mailing()).on_uncertain).toBe('hold');
  expect(newDraft('UTC').on_uncertain).toBe('retry');
});

it('one like another begins when that goes next, and goes to the same people', () => {
  const now = Date.parse('2026-03-05T00:00:00Z');
  const weekly = {
    ...mailing(),
    next_run_at: '2026-03-08T06:00:00Z',
    ends_at: '2026-05-01T06:00:00Z',
    ends_at_local: '2026-05-01T09:00:00',
  };
  const draft = draftLike(weekly, now);
  expect(draft).toMatchObject({
    message_id: 5,
    recurrence: 'weekly',
    time_zone: 'Europe/Moscow',
    on_uncertain: 'hold',
  });
  expect(draft).toMatchObject({ start: 'at', starts_local: '2026-03-08T09:00', ends_local: '2026-05-01T09:00' });
  expect(recipientsOf(draft, weekly.id)).toEqual({ mailing_id: 1 });
});

it('a mailing keeps its mail server, and a new one goes through that of the installation', () => {
  expect(draftOf({ ...mailing(), smtp_server_id: 4 }).smtp_server_id).toBe(4);
  expect(draftLike({ ...mailing(), smtp_server_id: 4 }).smtp_server_id).toBe(4);
  expect(newDraft('UTC').smtp_server_id).toBeNull();
});

it('one like another that is over carries no start and no end in the past', () => {
  const over = {
    ...mailing(),
    next_run_at: null,
    ends_at: '2026-03-02T06:00:00Z',
    ends_at_local: '2026-03-02T09:00:00',
  };
  expect(draftLike(over, Date.parse('2026-03-05T00:00:00Z'))).toMatchObject({
    start: '',
    starts_local: '',
    ends_local: '',
  });
});
