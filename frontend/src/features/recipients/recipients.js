// Calls about recipients that more than one screen makes.
import { api, ask } from '../../api/client.js';
import { ApiError } from '../../api/problem.js';

const FOUND = 20;
const PAUSE_MS = 1000;

/** What the API takes as a sort. @typedef {NonNullable<NonNullable<Api.Paths['/api/v1/recipients']['get']['parameters']['query']>['sort']>} Sort */

/**
 * @param {import('../../ui/list.js').Query} query
 * @param {AbortSignal} [signal]
 * @returns {Promise<Api.Page<Api.Recipient>>}
 */
export function fetchRecipients({ page = '1', per_page = '20', sort = '-created_at', q = '', owner_id = '' }, signal) {
  const query = {
    page: Number(page),
    per_page: Number(per_page),
    sort: /** @type {Sort} */ (sort),
    ...(q ? { q } : {}),
    ...(owner_id ? { owner_id: Number(owner_id) } : {}),
  };
  return ask(api.GET('/api/v1/recipients', { params: { query }, signal }));
}

/** For a ComboField. @param {string} q @param {string | number} [owner] whose; those of all who can be seen without it */
export async function searchRecipients(q, owner = '') {
  const { items } = await fetchRecipients({ q, sort: 'email', per_page: String(FOUND), owner_id: String(owner) });
  return items.map(({ id, email, full_name }) => ({ value: String(id), label: email, hint: full_name }));
}

/** @param {number} id */
export const fetchRecipient = (id) => ask(api.GET('/api/v1/recipients/{id}', { params: { path: { id } } }));

/**
 * One after the other: the server limits how many calls a second it takes, and says so.
 * @param {number[]} ids
 */
export async function deleteRecipients(ids) {
  for (const id of ids) await deleteRecipient(id);
}

/** @param {number} id @returns {Promise<unknown>} */
async function deleteRecipient(id) {
  try {
    return await ask(api.DELETE('/api/v1/recipients/{id}', { params: { path: { id } } }));
  } catch (cause) {
    const { status } = cause instanceof ApiError ? cause : { status: 0 };
    if (status === 404) return undefined; // gone already: that was the aim
    if (status !== 429) throw cause;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    return deleteRecipient(id);
  }
}
