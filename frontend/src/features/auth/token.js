// The secret of a mailed link. It stands after the #: what is there reaches no server's log.

/** @param {string} hash `#token=…` */
export const mailedToken = (hash) => new URLSearchParams(hash.slice(1)).get('token') ?? '';
