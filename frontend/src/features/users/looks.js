// How an account's role and state look.

/** @typedef {import('../mailings/looks.js').Look} Look */
/** @typedef {'active' | 'unconfirmed' | 'blocked'} State */

/** @type {Record<Api.Role, Look>} */
export const roleLooks = {
  user: { tone: 'neutral', icon: 'person' },
  manager: { tone: 'info', icon: 'person-check' },
  admin: { tone: 'info', icon: 'shield-lock' },
};

/** @type {Record<State, Look>} */
export const stateLooks = {
  active: { tone: 'success', icon: 'check-circle' },
  unconfirmed: { tone: 'neutral', icon: 'hourglass-split' },
  blocked: { tone: 'danger', icon: 'lock' },
};

/** A block counts most. @param {Pick<Api.User, 'blocked' | 'is_confirmed'>} user @returns {State} */
export function stateOf({ blocked, is_confirmed }) {
  if (blocked) return 'blocked';
  return is_confirmed ? 'active' : 'unconfirmed';
}
