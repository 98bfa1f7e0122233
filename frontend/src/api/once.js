// Creating something once: when no answer came and somebody asks again, the server is to know the request.

/**
 * @template B
 * @typedef {{body: B, params: {header: {'Idempotency-Key': string}}}} Named a request under its name
 */

/**
 * Sends what a form creates. Until that has gone through, the same values are the same request, with the body and the name
 * that they had the first time.
 * @template V, B, T
 * @param {(values: V) => B} bodyOf
 * @param {(request: Named<B>) => Promise<T>} send
 */
export function once(bodyOf, send) {
  /** @type {{of: string, request: Named<B>} | null} */
  let last = null;
  return async (/** @type {V} */ values) => {
    const of = JSON.stringify(values);
    if (last?.of !== of) {
      const header = { 'Idempotency-Key': newKey() };
      last = { of, request: { body: bodyOf(values), params: { header } } };
    }
    const made = await send(last.request);
    last = null;
    return made;
  };
}

/** 128 bits; `randomUUID` would be there on https alone. */
function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
