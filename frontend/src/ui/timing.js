// Waiting for a pause in typing, and asking again while somebody watches.
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
