// The filters of the address bar as the API takes them: days become moments of the user's zone.
import { localToUtc } from '../../ui/zone.js';

/** @typedef {NonNullable<Api.Paths['/api/v1/attempts']['get']['parameters']['query']>} AttemptQuery */

/** The day after. @param {string} day */
function nextDay(day) {
  const date = new Date(`${day}T00:00Z`);
  if (Number.isNaN(date.getTime())) return day;
  date.setUTCDate(date.getUTCDate() + 1);
  return date.toISOString().slice(0, 10);
}

/**
 * Both days belong to what is asked for: the end is the next day's midnight.
 * @param {import('../../ui/list.js').Query} filters
 * @param {string} zone
 * @returns {AttemptQuery}
 */
export function attemptQuery({ mailing_id, run_id, recipient_id, outcome, from, to }, zone) {
  const wanted = {
    mailing_id: Number(mailing_id) || undefined,
    run_id: Number(run_id) || undefined,
    recipient_id: Number(recipient_id) || undefined,
    outcome: outcome || undefined,
    from: (from && localToUtc(`${from}T00:00`, zone)) || undefined,
    to: (to && localToUtc(`${nextDay(to)}T00:00`, zone)) || undefined,
  };
  return /** @type {AttemptQuery} */ (
    Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined))
  );
}
