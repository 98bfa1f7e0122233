// From the form of a mailing to what the server is sent.
import { expect, it } from 'vitest';

import { draftLike, draftOf, missingOf, newDraft, recipientsOf, scheduleOf } from '../src/features/mailings/draft.js';

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

it('a mailing that begins now begins with this minute, never in the future', () => {
  const { starts_at } = scheduleOf(newDraft('Europe/Moscow'));
  const age = Date.now() - Date.parse(starts_at ?? '');
  expect(age).toBeGreaterThanOrEqual(0);
  expect(age).toBeLessThan(60_000);
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
  expect(missingOf(draft).map(({ field }) => field)).toEqual(['message_id', 'recipients']);
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

it('one like another that is over begins at once and has no end in the past', () => {
  const over = {
    ...mailing(),
    next_run_at: null,
    ends_at: '2026-03-02T06:00:00Z',
    ends_at_local: '2026-03-02T09:00:00',
  };
  expect(draftLike(over, Date.parse('2026-03-05T00:00:00Z'))).toMatchObject({ start: 'now', ends_local: '' });
});
