// Waiting for a pause in typing; asking again, and following, while somebody watches.
import { onScopeDispose } from 'vue';

/**
 * `work` once, after the calls have paused for `ms`.
 * @template {unknown[]} A
 * @param {(...args: A) => void} work
 * @param {number} ms
 */
export function useDebounced(work, ms) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  onScopeDispose(() => clearTimeout(timer));
  return (/** @type {A} */ ...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...args), ms);
  };
}

/**
 * Repeats `work` for as long as the component lives; a hidden tab does not ask. `work` says how long to wait next.
 * @param {() => Promise<number>} work
 * @param {number} firstMs
 */
export function usePolling(work, firstMs) {
  let alive = true;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const schedule = (/** @type {number} */ ms) => {
    if (alive) timer = setTimeout(tick, ms);
  };
  async function tick() {
    if (document.hidden) return schedule(firstMs);
    schedule(await work().catch(() => firstMs * 2));
  }
  schedule(firstMs);
  onScopeDispose(() => {
    alive = false;
    clearTimeout(timer);
  });
}

/**
 * Repeats `work` from the first call of `again` for as long as the component lives and its tab is in sight: hiding the tab
 * gives `work` up, showing it begins anew. `work` says how long to wait next, and throws nothing.
 * @param {(signal: AbortSignal) => Promise<number>} work
 */
export function useWhileSeen(work) {
  let alive = true;
  let turn = new AbortController();

  /** @param {AbortSignal} signal */
  async function repeat(signal) {
    while (!signal.aborted) await pause(await work(signal), signal);
  }
  /** Gives up what is going on, and begins anew. */
  function again() {
    turn.abort();
    turn = new AbortController();
    if (alive && !document.hidden) void repeat(turn.signal);
  }

  document.addEventListener('visibilitychange', again);
  onScopeDispose(() => {
    alive = false;
    document.removeEventListener('visibilitychange', again);
    turn.abort();
  });
  return { again };
}

/** @param {number} ms @param {AbortSignal} signal @returns {Promise<void>} */
function pause(ms, signal) {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(end, ms);
    function end() {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    }
    signal.addEventListener('abort', end);
  });
}
