// The filters of the address bar as the API takes them.
import { periodOf } from '../../ui/period.js';

/** @typedef {NonNullable<Api.Paths['/api/v1/attempts']['get']['parameters']['query']>} AttemptQuery */

/**
 * @param {import('../../ui/list.js').Query} filters
 * @param {string} zone
 * @returns {AttemptQuery}
 */
export function attemptQuery({ owner_id, mailing_id, run_id, recipient_id, outcome, ...days }, zone) {
  const wanted = {
    owner_id: Number(owner_id) || undefined,
    mailing_id: Number(mailing_id) || undefined,
    run_id: Number(run_id) || undefined,
    recipient_id: Number(recipient_id) || undefined,
    outcome: outcome || undefined,
    ...periodOf(days, zone),
  };
  return /** @type {AttemptQuery} */ (
    Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined))
  );
}
