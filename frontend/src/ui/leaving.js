// The page that is left while the next one still loads: it takes no input any more, and a bar says that something comes.
import { nextTick, readonly, ref } from 'vue';
import { NavigationFailureType, isNavigationFailure } from 'vue-router';

import { keepFocus } from './focus.js';

const pending = ref(false);

/** Whether the page that is shown is being left. */
export const leaving = readonly(pending);

/**
 * Follows a router; its other guards come after, so that their waiting counts. Pages differ by their path: a search that
 * goes into the address bar leaves nothing.
 * @param {import('vue-router').Router} router
 */
export function followNavigation(router) {
  let giveBack = () => {};
  router.beforeEach((to, from) => {
    if (from.matched.length === 0 || to.path === from.path) return;
    if (!pending.value) giveBack = keepFocus();
    pending.value = true;
  });
  router.afterEach((to, from, failure) => {
    if (isNavigationFailure(failure, NavigationFailureType.cancelled)) return; // another one has taken its place
    const stays = pending.value && failure;
    pending.value = false;
    if (stays) void nextTick(giveBack);
  });
  router.onError(() => {
    pending.value = false;
  });
}
