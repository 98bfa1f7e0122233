// Calls about the addresses that must not be mailed.
import { api, ask } from '../../api/client.js';

/** @typedef {NonNullable<Api.Paths['/api/v1/suppressions']['get']['parameters']['query']>} ListQuery */

/**
 * @param {import('../../ui/list.js').Query} query
 * @param {AbortSignal} [signal]
 * @returns {Promise<Api.Page<Api.Suppression>>}
 */
export function fetchSuppressions(
  { page = '1', per_page = '20', sort = '-created_at', q = '', owner_id = '' },
  signal,
) {
  const query = /** @type {ListQuery} */ ({
    page: Number(page),
    per_page: Number(per_page),
    sort,
    ...(q ? { q } : {}),
    ...(owner_id ? { owner_id: Number(owner_id) } : {}),
  });
  return ask(api.GET('/api/v1/suppressions', { params: { query }, signal }));
}

/** @param {string} email */
export const addSuppression = (email) => ask(api.POST('/api/v1/suppressions', { body: { email } }));

/** @param {number} id */
export const removeSuppression = (id) => ask(api.DELETE('/api/v1/suppressions/{id}', { params: { path: { id } } }));
