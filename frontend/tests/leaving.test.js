// A page that is being left: from the click on a link until the next page is there, or is not coming.
import { nextTick } from 'vue';
import { createMemoryHistory, createRouter } from 'vue-router';
import { beforeEach, expect, it } from 'vitest';

import { followNavigation, leaving } from '../src/ui/leaving.js';

const page = { template: '<p></p>' };

/** A page whose script comes when it is told to. */
function late() {
  let come = () => {};
  let fail = () => {};
  const script = new Promise((resolve, reject) => {
    come = () => resolve({ ...page });
    fail = () => reject(new Error('no such script'));
  });
  return { component: () => /** @type {Promise<import('vue').Component>} */ (script), come, fail };
}

/** @type {ReturnType<typeof late>} */
let slow;
/** @type {import('vue-router').Router} */
let router;

beforeEach(async () => {
  document.body.innerHTML = '<main id="main" tabindex="-1"><input id="field" /></main>';
  slow = late();
  router = createRouter({
    history: createMemoryHistory(),
    routes: [
      { path: '/', component: page },
      { path: '/slow', component: slow.component },
      { path: '/other', component: page },
      { path: '/kept', component: page, beforeEnter: () => false },
      { path: '/back', component: page, beforeEnter: () => '/' },
    ],
  });
  followNavigation(router);
  await router.push('/');
});

const soon = () => new Promise((resolve) => setTimeout(resolve));

it('a page is being left until the next one is there', async () => {
  const gone = router.push('/slow');
  await soon();
  expect(leaving.value).toBe(true);
  slow.come();
  await gone;
  expect(leaving.value).toBe(false);
});

it('the first page, and a search in the address, leave nothing', async () => {
  expect(leaving.value).toBe(false);
  /** @type {boolean[]} */
  const seen = [];
  router.beforeResolve(() => void seen.push(leaving.value));
  await router.replace({ query: { q: 'ada' } });
  expect(seen).toEqual([false]);
});

it('a page that is given up for another counts no longer', async () => {
  const given = router.push('/slow');
  await soon();
  await router.push('/other');
  expect(leaving.value).toBe(false);
  slow.come();
  await given;
  expect(leaving.value).toBe(false);
  expect(router.currentRoute.value.path).toBe('/other');
});

it('a page that does not come leaves the reader where they were, with the focus where it was', async () => {
  document.getElementById('field')?.focus();
  await router.push('/kept');
  await nextTick();
  expect(leaving.value).toBe(false);
  expect(document.activeElement?.id).toBe('field');
  await router.push('/back');
  expect(leaving.value).toBe(false);

  router.onError(() => undefined);
  const failed = router.push('/slow').catch(() => 'failed');
  await soon();
  slow.fail();
  expect(await failed).toBe('failed');
  expect(leaving.value).toBe(false);
});
