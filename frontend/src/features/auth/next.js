// Where to go after signing in.

/** Only ever a place of our own: the address bar may say anything. @param {unknown} next */
export function safeNext(next) {
  return typeof next === 'string' && /^\/(?![/\\])/.test(next) ? next : '/dashboard';
}

/**
 * A link between the sign-in and sign-up pages that preserves the destination.
 * @param {string} name of the page
 * @param {import('vue-router').RouteLocationNormalizedLoaded} from
 */
export const onwards = (name, { query: { next } }) => ({ name, query: typeof next === 'string' ? { next } : {} });
