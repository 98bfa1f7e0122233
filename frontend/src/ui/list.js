// Lists: where their page, search and filters are kept, and loading them. Numbered pages for tables, keys for logs.
import { computed, onScopeDispose, reactive, ref, shallowRef, watch } from 'vue';
import { onBeforeRouteLeave, useRoute, useRouter } from 'vue-router';

import { isAborted } from '../api/problem.js';

/** @typedef {Record<string, string>} Query */
/** @typedef {{query: import('vue').Ref<Query>, set: (changes: Query) => void}} QuerySource */

/**
 * The query of the address bar: it can be shared, and Back works. What equals its default is left out. On the way to another
 * page it stays as it is: a search that settles just then would call the reader back.
 * @param {Query} defaults
 * @returns {QuerySource}
 */
export function urlQuery(defaults) {
  const [route, router] = [useRoute(), useRouter()];
  const here = route.name;
  /** @type {import('vue-router').RouteLocationNormalized | null} */
  let leavingFor = null;
  onBeforeRouteLeave((to) => void (leavingFor = to));
  const arrived = (/** @type {import('vue-router').RouteLocationNormalized} */ to) => {
    if (to === leavingFor) leavingFor = null; // there, or kept here
  };
  onScopeDispose(router.afterEach(arrived));
  /** @type {Query} */
  let last = defaults;
  const query = computed(() => {
    if (route.name !== here) return last; // leaving: the next page's query is not ours
    const read = Object.keys(defaults).map((key) => [key, String(route.query[key] ?? defaults[key])]);
    last = Object.fromEntries(read);
    return last;
  });
  const set = (/** @type {Query} */ changes) => {
    if (leavingFor) return;
    const next = Object.entries(merged(query.value, changes)).filter(([key, value]) => value !== defaults[key]);
    void router.replace({ query: Object.fromEntries(next), hash: route.hash });
  };
  return { query, set };
}

/**
 * The same, kept in the page: for tables inside a form.
 * @param {Query} defaults
 * @returns {QuerySource}
 */
export function localQuery(defaults) {
  const query = ref({ ...defaults });
  return { query, set: (changes) => (query.value = merged(query.value, changes)) };
}

/** Another search or filter begins at its first page. @param {Query} query @param {Query} changes @returns {Query} */
function merged(query, changes) {
  return { ...query, ...('page' in query ? { page: '1' } : {}), ...changes };
}

/** Runs `work` now and at each change of the query, giving up the one before. @param {QuerySource} source @param {(signal: AbortSignal) => Promise<void>} work */
function useReload(source, work) {
  const [loading, error] = [ref(false), shallowRef(/** @type {unknown} */ (null))];
  let abort = new AbortController();
  /** Data changed while rows were being fetched, so they may be outdated. */
  let outdated = false;
  /** @param {{quiet?: boolean}} [options] quiet: the rows stay while they are fetched again */
  async function reload({ quiet = false } = {}) {
    if (quiet && loading.value) {
      outdated = true;
      return;
    }
    abort.abort();
    outdated = false;
    const mine = (abort = new AbortController());
    loading.value = !quiet;
    try {
      await work(mine.signal);
      error.value = null;
    } catch (cause) {
      if (mine.signal.aborted || isAborted(cause)) return;
      if (!quiet) error.value = cause;
    } finally {
      if (abort === mine) {
        loading.value = false;
        if (outdated) void reload({ quiet: true });
      }
    }
  }
  watch(
    () => JSON.stringify(source.query.value),
    () => reload(),
    { immediate: true },
  );
  onScopeDispose(() => {
    outdated = false;
    abort.abort();
  });
  return { loading, error, reload };
}

/**
 * A table by numbered pages.
 * @template T
 * @param {QuerySource} source
 * @param {(query: Query, signal: AbortSignal) => Promise<Api.Page<T>>} fetchPage
 */
export function usePages(source, fetchPage) {
  const items = shallowRef(/** @type {T[]} */ ([]));
  const [total, pages] = [ref(0), ref(1)];
  const { loading, error, reload } = useReload(source, async (signal) => {
    const page = await fetchPage(source.query.value, signal);
    items.value = page.items;
    total.value = page.total;
    pages.value = Math.max(1, Math.ceil(page.total / page.per_page));
    const beyond = page.total > 0 && page.items.length === 0; // the last page's last row was deleted
    if (beyond) source.set({ page: String(pages.value) });
  });
  return reactive({ items, total, pages, loading, error, reload, query: source.query, set: source.set });
}

/**
 * One answer that depends on the query.
 * @template T
 * @param {QuerySource} source
 * @param {(query: Query, signal: AbortSignal) => Promise<T>} fetchOne
 */
export function useOne(source, fetchOne) {
  const data = shallowRef(/** @type {T | null} */ (null));
  const { loading, error, reload } = useReload(source, async (signal) => {
    data.value = await fetchOne(source.query.value, signal);
  });
  return reactive({ data, loading, error, reload });
}

/**
 * A log by keys: newest first, more on demand.
 * @template T
 * @param {QuerySource} source
 * @param {(query: Query, cursor: string | undefined, signal?: AbortSignal) => Promise<Api.Keyed<T>>} fetchPart
 */
export function useKeyed(source, fetchPart) {
  const items = shallowRef(/** @type {T[]} */ ([]));
  const cursor = ref(/** @type {string | null | undefined} */ (null));
  const loadingMore = ref(false);
  const { loading, error, reload } = useReload(source, async (signal) => {
    const part = await fetchPart(source.query.value, undefined, signal);
    items.value = part.items;
    cursor.value = part.next_cursor;
  });
  async function more() {
    if (!cursor.value || loadingMore.value) return;
    const asked = JSON.stringify(source.query.value);
    loadingMore.value = true;
    try {
      const part = await fetchPart(source.query.value, cursor.value);
      if (asked !== JSON.stringify(source.query.value)) return;
      items.value = [...items.value, ...part.items];
      cursor.value = part.next_cursor;
    } catch (cause) {
      error.value = cause;
    } finally {
      loadingMore.value = false;
    }
  }
  return reactive({ items, cursor, loading, loadingMore, error, reload, more, query: source.query, set: source.set });
}
