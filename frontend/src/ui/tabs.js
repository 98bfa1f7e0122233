// Tabs on one line, which may be longer than the screen is wide.
import { nextTick, watch } from 'vue';

/**
 * Pushes the line of tabs along until the one that is open can be seen.
 * @param {import('vue').Ref<HTMLElement | null>} line
 * @param {() => unknown} opened changes with the tab
 */
export function useTabInSight(line, opened) {
  watch(
    [line, opened],
    async () => {
      await nextTick();
      const tab = /** @type {HTMLElement | null | undefined} */ (line.value?.querySelector('.nav-link.active'));
      if (line.value && tab) line.value.scrollLeft = tab.offsetLeft - (line.value.clientWidth - tab.offsetWidth) / 2;
    },
    { immediate: true },
  );
}
