// What may be done with an account, and by whom. Pure; the server decides again.
import { isStaff } from '../auth/roles.js';
import { ROLES } from './users.js';

/** @typedef {'block' | 'unblock'} Standing */

/**
 * Nobody blocks themselves, managers or administrators.
 * @param {Pick<Api.User, 'id' | 'role' | 'blocked'>} account
 * @param {import('../auth/roles.js').Somebody} user
 * @returns {Standing | null}
 */
export function standingOf({ id, role, blocked }, user) {
  if (!isStaff(user)) return null;
  if (blocked) return 'unblock';
  return role === 'user' && id !== user?.id ? 'block' : null;
}

/** The roles an account may be given. @param {Pick<Api.User, 'role'>} account @param {import('../auth/roles.js').Somebody} user */
export const rolesFor = ({ role }, user) => (user?.role === 'admin' ? ROLES.filter((one) => one !== role) : []);
