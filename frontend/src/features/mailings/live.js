// A mailing watched while it goes: told of each change as it happens, or asked again and again where that does not work; with
// the rate and the time left worked out from what has changed.
import { computed, shallowRef } from 'vue';

import { ApiError } from '../../api/problem.js';
import { usePolling, useWhileSeen } from '../../ui/timing.js';
import { tried } from './counts.js';
import { fetchMailing, watchMailing } from './mailings.js';

/** How soon to ask again where nothing is told: a mailing that goes, and one that waits. */
const RUNNING_MS = 1500;
const WAITING_MS = 4000;
/** A stream that has ended by itself, with its access token or its server, is opened anew. */
const BREATH_MS = 1000;
/** One that has failed, later and later. */
const LONGEST_MS = 60_000;
const SAMPLE_MS = 1000;
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

/** When to try again what has failed so many times: 2 s, 4 s, 8 s … a minute. @param {number} failures */
export const restOf = (failures) => Math.min(LONGEST_MS, BREATH_MS * 2 ** failures);

/** @param {number} id */
export function useLiveMailing(id) {
  const mailing = shallowRef(/** @type {Api.Mailing | null} */ (null));
  const failure = shallowRef(/** @type {unknown} */ (null));
  const samples = shallowRef(/** @type {Sample[]} */ ([]));
  let failures = 0;
  let watchAgainAt = 0;

  /** @param {Api.Mailing} state @returns {boolean} whether anything more is to come */
  function show(state) {
    mailing.value = state;
    failure.value = null;
    return state.status !== 'completed';
  }

  /** Nothing moving is news, too: the rate falls. */
  function sample() {
    const { last_run: run, status } = mailing.value ?? {};
    const now = Date.now();
    const recent = samples.value.filter(({ at }) => at > now - WINDOW_MS);
    samples.value = run && status === 'running' ? [...recent, { run: run.id, at: now, tried: tried(run.counts) }] : [];
  }

  /** @param {AbortSignal} signal @returns {Promise<boolean>} whether the stream has told anything */
  async function watch(signal) {
    try {
      await watchMailing(id, show, signal);
      failures = 0;
      return true;
    } catch (cause) {
      if (signal.aborted || (cause instanceof ApiError && cause.status === 404)) throw cause;
      failures += 1;
      watchAgainAt = Date.now() + restOf(failures);
      return false;
    }
  }

  /** @param {AbortSignal} signal @returns {Promise<number>} */
  async function follow(signal) {
    try {
      if (mailing.value?.status === 'completed') return WAITING_MS;
      if (Date.now() >= watchAgainAt && (await watch(signal))) return BREATH_MS;
      if (!signal.aborted) show(await fetchMailing(id, signal));
    } catch (cause) {
      // What was seen before stays in sight; only what is gone, or never came, is told.
      const gone = cause instanceof ApiError && cause.status === 404;
      if (!signal.aborted && (gone || !mailing.value)) failure.value = cause;
    }
    return mailing.value?.status === 'running' ? RUNNING_MS : WAITING_MS;
  }

  usePolling(async () => {
    sample();
    return SAMPLE_MS;
  }, SAMPLE_MS);
  const { again } = useWhileSeen(follow);

  /** Reads the mailing now, whatever it was before: somebody has just done something with it. */
  async function load() {
    failure.value = null;
    await fetchMailing(id)
      .then(show)
      .catch((cause) => (failure.value = cause));
    again();
  }
  void load();

  return { mailing, failure, rate: computed(() => rateOf(samples.value)), load };
}
