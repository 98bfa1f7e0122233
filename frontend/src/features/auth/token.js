// The secret of a mailed link. It stands after the #: what is there reaches no server's log.

/** The token and the address of an invitation. @param {string} hash `#invitation=…&email=…` */
export function mailedInvitation(hash) {
  const values = new URLSearchParams(hash.slice(1));
  return { token: values.get('invitation') ?? '', email: values.get('email') ?? '' };
}

/** @param {string} hash `#token=…` */
export const mailedToken = (hash) => new URLSearchParams(hash.slice(1)).get('token') ?? '';
