// A mailing while it is being written: what the form holds, and what is sent to the server.
import { localToUtc, thisMinute, utcToLocal } from '../../ui/zone.js';

/**
 * @typedef {object} Draft
 * @property {number | null} message_id
 * @property {string} subject of the message, to show
 * @property {number | null} smtp_server_id one's own, or null: that of the installation
 * @property {'keep' | 'all' | 'search' | 'chosen'} audience keep: whom it, or the one it is made after, has already
 * @property {string} q
 * @property {number[]} ids
 * @property {'now' | 'at'} start
 * @property {string} starts_local on the clocks of the zone
 * @property {string} ends_local empty: no end
 * @property {string} time_zone
 * @property {Api.Recurrence} recurrence
 * @property {Api.OnUncertain} on_uncertain
 */

/** @type {Api.Recurrence[]} */
export const RECURRENCES = ['once', 'daily', 'weekly', 'monthly'];

/** Fields of the server that the form has a place for. */
export const FIELDS = [
  ...['message_id', 'smtp_server_id', 'recipients'],
  ...['starts_at', 'ends_at', 'recurrence', 'time_zone', 'on_uncertain'],
];

/** @param {string} zone @returns {Draft} */
export function newDraft(zone) {
  const whom = /** @type {const} */ ({ audience: 'all', q: '', ids: [] });
  const when = /** @type {const} */ ({ start: 'now', ends_local: '', recurrence: 'once' });
  return {
    message_id: null,
    subject: '',
    smtp_server_id: null,
    ...whom,
    ids: [],
    ...when,
    starts_local: utcToLocal(Date.now(), zone),
    time_zone: zone,
    on_uncertain: 'retry',
  };
}

/** @param {Api.Mailing} mailing @returns {Draft} */
export function draftOf(mailing) {
  const { message_id, message_subject, smtp_server_id = null } = mailing;
  const { starts_at, ends_at, recurrence, time_zone, on_uncertain } = mailing;
  const clock = (/** @type {string | null | undefined} */ moment) => (moment ? utcToLocal(moment, time_zone) : '');
  const when = /** @type {const} */ ({ start: 'at', starts_local: clock(starts_at), ends_local: clock(ends_at) });
  const whom = /** @type {const} */ ({ audience: 'keep', q: '' });
  const what = { message_id, subject: message_subject, smtp_server_id };
  return { ...what, ...whom, ids: [], ...when, time_zone, recurrence, on_uncertain };
}

/**
 * One like this: the same message, people and rhythm. It begins when the other goes next; one that has gone, at once.
 * @param {Api.Mailing} mailing
 * @param {number} [now]
 * @returns {Draft}
 */
export function draftLike(mailing, now = Date.now()) {
  const { starts_at, ends_at, next_run_at, time_zone } = mailing;
  const ahead = (/** @type {string | null | undefined} */ moment) =>
    moment && Date.parse(moment) > now ? moment : null;
  const next = ahead(next_run_at) ?? ahead(starts_at);
  return {
    ...draftOf(mailing),
    start: next ? 'at' : 'now',
    starts_local: utcToLocal(next ?? now, time_zone),
    ends_local: ahead(ends_at) ? utcToLocal(ends_at ?? '', time_zone) : '',
  };
}

/**
 * When the mailing goes. Clocks show minutes: a moment that was not touched keeps its seconds.
 * @param {Draft} draft
 * @param {Api.Mailing | null} [stored]
 */
export function scheduleOf({ start, starts_local, ends_local, time_zone, recurrence }, stored = null) {
  const moment = (/** @type {string} */ local, /** @type {string | null | undefined} */ before) =>
    before && time_zone === stored?.time_zone && utcToLocal(before, time_zone) === local
      ? before
      : localToUtc(local, time_zone);
  return {
    starts_at: start === 'now' ? thisMinute() : moment(starts_local, stored?.starts_at),
    ends_at: ends_local ? moment(ends_local, stored?.ends_at) : null,
    time_zone,
    recurrence,
  };
}

/**
 * Null: those it has already.
 * @param {Draft} draft
 * @param {number | null} [like] the mailing it is made after
 * @returns {Api.RecipientChoice | null}
 */
export function recipientsOf({ audience, q, ids }, like = null) {
  if (audience === 'keep') return like ? { mailing_id: like } : null;
  if (audience === 'all') return { all: true };
  return audience === 'search' ? { q } : { ids };
}

/**
 * What is wrong before the server is asked: what it could not even read.
 * @param {Draft} draft
 * @returns {Api.FieldError[]}
 */
export function missingOf(draft) {
  const wrong = [];
  if (!draft.message_id) wrong.push('message_id');
  if (draft.start === 'at' && !draft.starts_local) wrong.push('starts_at');
  if (draft.audience === 'chosen' && !draft.ids.length) wrong.push('recipients');
  if (draft.audience === 'search' && !draft.q) wrong.push('recipients');
  return wrong.map((field) => ({ field, code: 'required', message: '' }));
}
