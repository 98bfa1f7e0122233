// Server-sent events of an answer. Not the browser's EventSource: it cannot show who asks.
import { createParser } from 'eventsource-parser';

/** @typedef {{event?: string | undefined, data: string}} Told */
/** @typedef {{firstMs: number, silenceMs: number}} Patience how long to wait for the first word, and for each one after it */

/** The stream is open and says nothing: a proxy keeps it back, or the other side is gone. */
export class Silent extends Error {}

/**
 * Tells the events one by one, until the stream ends or `tell` has heard enough.
 * @param {ReadableStream<Uint8Array<ArrayBuffer>>} body
 * @param {(event: Told) => boolean} tell says whether to go on
 * @param {Patience} patience
 */
export async function readEvents(body, tell, { firstMs, silenceMs }) {
  let goOn = true;
  const parser = createParser({ onEvent: (event) => (goOn &&= tell(event)) });
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (let ms = firstMs; goOn; ms = silenceMs) {
      const { done, value } = await within(ms, reader.read());
      if (done) return;
      parser.feed(value);
    }
  } finally {
    await reader.cancel().catch(() => undefined); // it may have broken by itself
  }
}

/** @template T @param {number} ms @param {Promise<T>} work @returns {Promise<T>} */
function within(ms, work) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const silence = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Silent()), ms);
  });
  return Promise.race([work, /** @type {Promise<never>} */ (silence)]).finally(() => clearTimeout(timer));
}
