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
    ends_at: null,
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

it('a start that was not touched keeps its seconds', () => {
  const stored = mailing();
  expect(scheduleOf(draftOf(stored), stored).starts_at).toBe(stored.starts_at);
});

it('another zone moves the moment, not the clock', () => {
  const stored = mailing();
  const draft = { ...draftOf(stored), time_zone: 'Europe/Berlin' };
  expect(scheduleOf(draft, stored).starts_at).toBe('2026-03-01T08:00:00.000Z');
});

it('an emptied end takes the end away', () => {
  const stored = { ...mailing(), ends_at: '2026-04-01T06:00:00Z' };
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
  const weekly = { ...mailing(), next_run_at: '2026-03-08T06:00:00Z', ends_at: '2026-05-01T06:00:00Z' };
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
  const over = { ...mailing(), next_run_at: null, ends_at: '2026-03-02T06:00:00Z' };
  expect(draftLike(over, Date.parse('2026-03-05T00:00:00Z'))).toMatchObject({ start: 'now', ends_local: '' });
});
