// Asking once: when no answer came and somebody asks again, the server is to know the request.
import { ApiError } from './problem.js';

/** @typedef {{'Idempotency-Key': string}} Key the name of a request, among its headers */

/** Answers after which the request is over: nothing was made, or what was made is gone. */
const OVER = [404, 409, 422];

/**
 * Sends what creates something. Until it has been answered, the same values are the same request, with the body and the key
 * that they had the first time.
 * @template V, B, T
 * @param {(values: V) => B} bodyOf
 * @param {(body: B, key: Key) => Promise<T>} send
 */
export function once(bodyOf, send) {
  /** @type {{of: string, body: B, key: Key} | null} */
  let open = null;
  return async (/** @type {V} */ values) => {
    const of = JSON.stringify(values);
    if (open?.of !== of) open = { of, body: bodyOf(values), key: { 'Idempotency-Key': random() } };
    try {
      const made = await send(open.body, open.key);
      open = null;
      return made;
    } catch (cause) {
      if (cause instanceof ApiError && OVER.includes(cause.status)) open = null;
      throw cause;
    }
  };
}

/** 128 bits; `randomUUID` would be there on https alone. */
function random() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
