// Quotas of one account: API calls, and their representation in the form.
import { api, ask } from '../../api/client.js';

export const FIELDS = /** @type {const} */ (['recipients', 'mails_a_day']);

/** @param {number} id @returns {Promise<Api.Quotas>} */
export const fetchQuotas = (id) => ask(api.GET('/api/v1/users/{id}/quotas', { params: { path: { id } } }));

/** @param {number} id @param {Api.SetQuotas} body */
export const setQuotas = (id, body) => ask(api.PUT('/api/v1/users/{id}/quotas', { params: { path: { id } }, body }));

/** Empty: the default. @param {number | null | undefined} own */
export const textOf = (own) => (own === null || own === undefined ? '' : String(own));

/** `undefined` if it is not a number. @param {string} text @returns {number | null | undefined} */
export function quotaOf(text) {
  const digits = text.replace(/\s/g, '');
  if (!digits) return null;
  return /^\d{1,10}$/.test(digits) ? Number(digits) : undefined;
}
