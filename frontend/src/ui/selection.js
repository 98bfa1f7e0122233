// Rows chosen with check boxes; the choice survives paging and searching.
import { computed, ref } from 'vue';

export function useSelection() {
  const chosen = ref(/** @type {Set<number>} */ (new Set()));

  /** @param {number[]} ids @param {boolean} on */
  function set(ids, on) {
    const next = new Set(chosen.value);
    for (const id of ids) {
      if (on) next.add(id);
      else next.delete(id);
    }
    chosen.value = next;
  }

  return {
    ids: computed(() => [...chosen.value]),
    size: computed(() => chosen.value.size),
    has: (/** @type {number} */ id) => chosen.value.has(id),
    set,
    clear: () => (chosen.value = new Set()),
  };
}
