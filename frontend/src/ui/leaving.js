// The page that is being left while the next one loads: it accepts no input, and a progress bar is shown.
import { nextTick, readonly, ref } from 'vue';
import { NavigationFailureType, isNavigationFailure } from 'vue-router';

import { keepFocus } from './focus.js';

const pending = ref(false);

/** Whether the current page is being left. */
export const leaving = readonly(pending);

/**
 * Tracks a router; must be installed before its other guards, so that their waiting is included. Only a change of
 * path counts: updating the query of a search does not.
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
    if (isNavigationFailure(failure, NavigationFailureType.cancelled)) return; // superseded by another navigation
    const stays = pending.value && failure;
    pending.value = false;
    if (stays) void nextTick(giveBack);
  });
  router.onError(() => {
    pending.value = false;
  });
}
