// Whether saving or resuming a mailing sends immediately, and to how many recipients. Pure; the server decides again.
import { localToUtc } from '../../ui/zone.js';
import { waiting } from './counts.js';
import { scheduleOf } from './draft.js';
import { isOpen } from './permitted.js';

/** The server rejects an earlier start as a mistake. */
const MAX_START_AGE_MS = 86_400_000;

/** @typedef {import('./draft.js').Draft} Draft */
/** @typedef {Pick<Api.Mailing, 'starts_at_local' | 'ends_at_local' | 'recurrence' | 'time_zone' | 'last_run_at' | 'paused_at' | 'disabled'>} Stored */

/** @param {Draft} draft @param {Stored} stored */
function isRescheduled(draft, stored) {
  const { recurrence, time_zone, ...times } = scheduleOf(draft, stored);
  return Object.keys(times).length > 0 || recurrence !== stored.recurrence || time_zone !== stored.time_zone;
}

/**
 * Whether the start has passed, interpreted like the server does if a clock change skips or repeats it.
 * @param {Draft} draft
 * @param {number} now
 */
export function hasCome({ start, starts_local, time_zone }, now) {
  const at = start === 'at' ? localToUtc(starts_local, time_zone) : null;
  return at !== null && Date.parse(at) <= now;
}

/**
 * Saving starts a new mailing that is due, and a stored one that has never been sent and whose schedule changed.
 * @param {Draft} draft
 * @param {Stored | null} [stored]
 * @param {number} [now]
 */
export function sendsAtOnce(draft, stored = null, now = Date.now()) {
  if (draft.start === 'now') return true;
  if (!hasCome(draft, now)) return false;
  const isRecent = !hasCome(draft, now - MAX_START_AGE_MS);
  if (!stored) return isRecent;
  if (stored.last_run_at || stored.paused_at || stored.disabled || !isRescheduled(draft, stored)) return false;
  return isRecent || !('starts_at_local' in scheduleOf(draft, stored));
}

/**
 * How many mails are sent on resuming: the rest of its run, or all of them if it became due meanwhile.
 * @param {Pick<Api.Mailing, 'last_run' | 'next_run_at' | 'recipients_count'>} mailing
 * @param {number} [now]
 */
export function leftToSend({ last_run, next_run_at, recipients_count }, now = Date.now()) {
  if (last_run && isOpen(last_run)) return waiting(last_run.counts);
  return next_run_at && Date.parse(next_run_at) <= now ? recipients_count : 0;
}
