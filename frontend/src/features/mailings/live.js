// A mailing watched while it goes: asked again every second and a half, with the rate worked out from what has changed.
import { computed, shallowRef } from 'vue';

import { usePolling } from '../../ui/timing.js';
import { tried } from './counts.js';
import { fetchMailing } from './mailings.js';

const RUNNING_MS = 1500;
const WAITING_MS = 4000;
/** The rate is that of the last ten seconds. */
const WINDOW_MS = 10_000;

/** @typedef {{run: number, at: number, tried: number}} Sample */

/**
 * Mails per second between the oldest and the newest sample of the same run; 0 when nothing can be said.
 * @param {Sample[]} samples
 */
export function rateOf(samples) {
  const last = samples.at(-1);
  const first = samples.find(({ run }) => run === last?.run);
  if (!last || !first || last.at <= first.at) return 0;
  return Math.max(0, ((last.tried - first.tried) * 1000) / (last.at - first.at));
}

/** @param {number} id */
export function useLiveMailing(id) {
  const mailing = shallowRef(/** @type {Api.Mailing | null} */ (null));
  const failure = shallowRef(/** @type {unknown} */ (null));
  const samples = shallowRef(/** @type {Sample[]} */ ([]));
  const isRunning = computed(() => mailing.value?.status === 'running');

  async function fetchNow() {
    const now = Date.now();
    mailing.value = await fetchMailing(id);
    const run = mailing.value.last_run;
    const recent = samples.value.filter(({ at }) => at > now - WINDOW_MS);
    samples.value = run && isRunning.value ? [...recent, { run: run.id, at: now, tried: tried(run.counts) }] : [];
  }

  async function load() {
    failure.value = null;
    await fetchNow().catch((cause) => (failure.value = cause));
  }

  usePolling(async () => {
    if (mailing.value && mailing.value.status !== 'completed') await fetchNow();
    return isRunning.value ? RUNNING_MS : WAITING_MS;
  }, RUNNING_MS);
  void load();

  return { mailing, failure, rate: computed(() => rateOf(samples.value)), load };
}
