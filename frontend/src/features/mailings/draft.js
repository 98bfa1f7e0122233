// A mailing while it is being written: what the form holds, and what is sent to the server.
import { thisMinute, utcToLocal } from '../../ui/zone.js';

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
  ...['starts_at', 'starts_at_local', 'ends_at', 'ends_at_local', 'recurrence', 'time_zone', 'on_uncertain'],
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

/** As the form's clocks show it. @param {string | null | undefined} local */
const toMinute = (local) => local?.slice(0, 16) ?? '';

/** @param {Api.Mailing} mailing @returns {Draft} */
export function draftOf(mailing) {
  const { message_id, message_subject, smtp_server_id = null } = mailing;
  const { starts_at_local, ends_at_local, recurrence, time_zone, on_uncertain } = mailing;
  const when = /** @type {const} */ ({
    start: 'at',
    starts_local: toMinute(starts_at_local),
    ends_local: toMinute(ends_at_local),
  });
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
  const { starts_at, starts_at_local, ends_at, ends_at_local, next_run_at, time_zone } = mailing;
  const ahead = (/** @type {string | null | undefined} */ moment) =>
    moment && Date.parse(moment) > now ? moment : null;
  const next = ahead(next_run_at) ?? ahead(starts_at);
  // The day of the next one with the time that was typed: that day's own may have been moved by a clock change.
  const nextDay = utcToLocal(next ?? now, time_zone).slice(0, 11);
  return {
    ...draftOf(mailing),
    start: next ? 'at' : 'now',
    starts_local: next ? nextDay + starts_at_local.slice(11, 16) : utcToLocal(now, time_zone),
    ends_local: ahead(ends_at) ? toMinute(ends_at_local) : '',
  };
}

/**
 * When the mailing goes, as the zone's clock shows it: the server knows the zones. A time that was not touched is not sent,
 * and stays as it is to the second.
 * @param {Draft} draft
 * @param {Api.Mailing | null} [stored]
 */
export function scheduleOf({ start, starts_local, ends_local, time_zone, recurrence }, stored = null) {
  const isKept = (/** @type {string} */ local, /** @type {string | null | undefined} */ before) =>
    stored?.time_zone === time_zone && toMinute(before) === local;
  const starts = start === 'now' ? { starts_at: thisMinute() } : { starts_at_local: starts_local };
  const ends = ends_local ? { ends_at_local: ends_local } : { ends_at: null };
  return {
    ...(isKept(starts_local, stored?.starts_at_local) ? {} : starts),
    ...(isKept(ends_local, stored?.ends_at_local) ? {} : ends),
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
