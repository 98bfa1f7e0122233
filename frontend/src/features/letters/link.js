// What the link of a letter leads to: its token, and what is found with it.
import { computed, reactive, ref, shallowRef, watch } from 'vue';
import { useRoute } from 'vue-router';

import { asApiError } from '../../api/problem.js';

/**
 * @template T
 * @param {(token: string) => Promise<T>} fetchFound
 */
export function useLink(fetchFound) {
  const route = useRoute();
  // After the #: it reaches no server's log.
  const token = computed(() => route.hash.slice(1));
  const found = shallowRef(/** @type {T | null} */ (null));
  const failure = shallowRef(/** @type {unknown} */ (null));
  const unknown = ref(false);
  /** The link is valid, but its target has been deleted. */
  const gone = ref(false);

  async function load() {
    [found.value, failure.value] = [null, null];
    [unknown.value, gone.value] = [!token.value, false];
    if (unknown.value) return;
    const asked = token.value;
    try {
      const answer = await fetchFound(asked);
      if (asked === token.value) found.value = answer;
    } catch (cause) {
      if (asked !== token.value) return;
      const { status } = asApiError(cause);
      [unknown.value, gone.value] = [status === 404, status === 410];
      failure.value = unknown.value || gone.value ? null : cause;
    }
  }

  // Another letter's link in the same tab changes nothing but the hash.
  watch(token, load, { immediate: true });
  return reactive({ token, found, failure, unknown, gone, load });
}
