// A mailing while it is being written: what the form holds, and what is sent to the server.
import { utcToLocal } from '../../ui/zone.js';

/**
 * @typedef {object} Draft
 * @property {number | null} message_id
 * @property {string} subject of the message, to show
 * @property {number | null} smtp_server_id one's own, or null: that of the installation
 * @property {'' | 'keep' | 'all' | 'search' | 'chosen'} audience empty: not chosen yet; keep: those of the mailing, or of the one it duplicates
 * @property {string} q
 * @property {number[]} ids
 * @property {'' | 'now' | 'at'} start empty: not chosen yet
 * @property {string} starts_local on the clocks of the zone
 * @property {string} ends_local empty: no end
 * @property {string} time_zone
 * @property {Api.Recurrence} recurrence
 * @property {Api.OnUncertain} on_uncertain
 */

/** The stored schedule of a mailing being edited. @typedef {Pick<Api.Mailing, 'starts_at_local' | 'ends_at_local' | 'time_zone'>} Stored */

/** @type {Api.Recurrence[]} */
export const RECURRENCES = ['once', 'daily', 'weekly', 'monthly'];

/** Fields of the server that the form has a place for. */
export const FIELDS = [
  ...['message_id', 'smtp_server_id', 'recipients'],
  ...['starts_at', 'starts_at_local', 'ends_at', 'ends_at_local', 'recurrence', 'time_zone', 'on_uncertain'],
];

/** Audience and start are not preselected. @param {string} zone @returns {Draft} */
export function newDraft(zone) {
  const whom = /** @type {const} */ ({ audience: '', q: '', ids: [] });
  const when = /** @type {const} */ ({ start: '', ends_local: '', recurrence: 'once' });
  return {
    message_id: null,
    subject: '',
    smtp_server_id: null,
    ...whom,
    ids: [],
    ...when,
    starts_local: '',
    time_zone: zone,
    on_uncertain: 'retry',
  };
}

/** In the format of the form's time fields. @param {string | null | undefined} local */
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
 * A duplicate: the same message, recipients and recurrence. It starts at the next occurrence of the original; if
 * there is none, the start has to be chosen.
 * @param {Api.Mailing} mailing
 * @param {number} [now]
 * @returns {Draft}
 */
export function draftLike(mailing, now = Date.now()) {
  const { starts_at, starts_at_local, ends_at, ends_at_local, next_run_at, time_zone } = mailing;
  const ahead = (/** @type {string | null | undefined} */ moment) =>
    moment && Date.parse(moment) > now ? moment : null;
  const next = ahead(next_run_at) ?? ahead(starts_at);
  // The day of the next occurrence with the original time: the occurrence itself may be shifted by a clock change.
  const nextDay = utcToLocal(next ?? now, time_zone).slice(0, 11);
  return {
    ...draftOf(mailing),
    start: next ? 'at' : '',
    starts_local: next ? nextDay + starts_at_local.slice(11, 16) : '',
    ends_local: ahead(ends_at) ? toMinute(ends_at_local) : '',
  };
}

/**
 * The schedule in local time of the zone, which the server converts. An unchanged time is omitted, and keeps its
 * seconds.
 * @param {Draft} draft
 * @param {Stored | null} [stored]
 * @returns {Pick<Api.CreateMailing, 'starts_at_local' | 'start_now' | 'ends_at' | 'ends_at_local' | 'time_zone' | 'recurrence'>}
 */
export function scheduleOf({ start, starts_local, ends_local, time_zone, recurrence }, stored = null) {
  const isKept = (/** @type {string} */ local, /** @type {string | null | undefined} */ before) =>
    stored?.time_zone === time_zone && toMinute(before) === local;
  const starts = start === 'now' ? { start_now: true } : { starts_at_local: starts_local };
  const ends = ends_local ? { ends_at_local: ends_local } : { ends_at: null };
  return {
    ...(isKept(starts_local, stored?.starts_at_local) ? {} : starts),
    ...(isKept(ends_local, stored?.ends_at_local) ? {} : ends),
    time_zone,
    recurrence,
  };
}

/**
 * As above, once the start is known.
 * @param {Draft} draft
 * @param {Stored | null} [stored]
 */
export function knownSchedule(draft, stored = null) {
  const isKnown = draft.start === 'now' || (draft.start === 'at' && draft.starts_local);
  return isKnown ? scheduleOf(draft, stored) : null;
}

/**
 * Null: those it has already.
 * @param {Draft} draft
 * @param {number | null} [like] the mailing it is made after
 * @returns {Api.RecipientChoice | null}
 */
export function recipientsOf({ audience, q, ids }, like = null) {
  if (audience === '') return null;
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
  const { message_id, audience, ids, q, start, starts_local } = draft;
  /** @type {[field: string, code: string, missing: boolean][]} */
  const checks = [
    ['message_id', 'not_chosen', !message_id],
    ['recipients', 'not_chosen', !audience || (audience === 'chosen' && !ids.length)],
    ['recipients', 'required', audience === 'search' && !q.trim()],
    ['starts_at', 'not_chosen', !start],
    ['starts_at', 'required', start === 'at' && !starts_local],
  ];
  return checks.filter(([, , missing]) => missing).map(([field, code]) => ({ field, code, message: '' }));
}
