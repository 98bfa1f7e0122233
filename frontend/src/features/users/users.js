// Calls about the accounts, for those who look after them.
import { api, ask } from '../../api/client.js';
import { mayOwn } from '../auth/roles.js';
import { session } from '../auth/session.js';

const FOUND = 20;

/** @type {Api.Role[]} */
export const ROLES = ['user', 'manager', 'admin'];

/** @typedef {NonNullable<Api.Paths['/api/v1/users']['get']['parameters']['query']>} ListQuery */

/**
 * @param {import('../../ui/list.js').Query} query
 * @param {AbortSignal} [signal]
 * @returns {Promise<Api.Page<Api.User>>}
 */
export function fetchUsers(
  { page = '1', per_page = '20', sort = '-created_at', q = '', role = '', blocked = '' },
  signal,
) {
  const filters = {
    ...(q ? { q } : {}),
    ...(role ? { role } : {}),
    ...(blocked ? { blocked: blocked === 'yes' } : {}),
  };
  const query = /** @type {ListQuery} */ ({ page: Number(page), per_page: Number(per_page), sort, ...filters });
  return ask(api.GET('/api/v1/users', { params: { query }, signal }));
}

/** @param {number} id */
export const fetchUser = (id) => ask(api.GET('/api/v1/users/{id}', { params: { path: { id } } }));

/** For a ComboField. @param {string} q */
export async function searchUsers(q) {
  const { items } = await fetchUsers({ q, sort: 'email', per_page: String(FOUND) });
  return items.map(({ id, email, full_name }) => ({ value: String(id), label: email, hint: full_name }));
}

/** The same for whose things are shown: oneself comes first. @param {string} q */
export async function searchOwners(q) {
  const { user } = session;
  const found = await searchUsers(q);
  if (q || !user || !mayOwn(user)) return found;
  const me = { value: String(user.id), label: user.email, hint: user.full_name };
  return [me, ...found.filter(({ value }) => value !== me.value)];
}

/** @param {number} id @param {string} reason */
export const blockUser = (id, reason) =>
  ask(api.POST('/api/v1/users/{id}/block', { params: { path: { id } }, body: { reason } }));

/** @param {number} id */
export const unblockUser = (id) => ask(api.POST('/api/v1/users/{id}/unblock', { params: { path: { id } } }));

/** @param {number} id @param {Api.Role} role */
export const giveRole = (id, role) =>
  ask(api.PUT('/api/v1/users/{id}/role', { params: { path: { id } }, body: { role } }));
