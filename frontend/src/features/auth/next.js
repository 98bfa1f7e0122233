// Where to go after signing in.

/** Only ever a place of our own: the address bar may say anything. @param {unknown} next */
export function safeNext(next) {
  return typeof next === 'string' && /^\/(?![/\\])/.test(next) ? next : '/dashboard';
}
