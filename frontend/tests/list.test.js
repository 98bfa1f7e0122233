// A list whose search is kept in the address, while its reader goes elsewhere.
import { createApp, defineComponent, h } from 'vue';
import { expect, it } from 'vitest';
import { createMemoryHistory, createRouter, RouterView } from 'vue-router';

import { urlQuery } from '../src/ui/list.js';

/** @typedef {import('../src/ui/list.js').QuerySource} QuerySource */

/** A list, and another page that is still being loaded until `come` is called. */
async function listed() {
  /** @type {(page: import('vue').Component) => void} */
  let come = () => undefined;
  /** @type {QuerySource | undefined} */
  let source;
  const list = defineComponent(() => {
    source = urlQuery({ page: '1', q: '' });
    return () => null;
  });
  const other = () => new Promise((resolve) => (come = resolve));
  const router = createRouter({
    history: createMemoryHistory(),
    routes: [
      { path: '/list', name: 'list', component: list },
      { path: '/other', name: 'other', component: /** @type {any} */ (other) },
    ],
  });
  await router.push('/list?page=2');
  createApp({ render: () => h(RouterView) })
    .use(router)
    .mount(document.createElement('div'));
  await router.isReady();
  const set = (/** @type {import('../src/ui/list.js').Query} */ changes) => source?.set(changes);
  return { router, set, come: () => come(defineComponent(() => () => null)) };
}

const settled = () => new Promise((resolve) => setTimeout(resolve));

it('a search is kept in the address, from its first page on', async () => {
  const { router, set } = await listed();
  set({ q: 'spring' });
  await settled();
  expect(router.currentRoute.value.fullPath).toBe('/list?q=spring');
});

it('a search that settles while another page is on its way does not call the reader back', async () => {
  const { router, set, come } = await listed();
  const going = router.push('/other');
  await settled();
  set({ q: 'spring' });
  await settled();
  come();
  expect(await going).toBeUndefined();
  expect(router.currentRoute.value.fullPath).toBe('/other');
});

it('whoever stays after all can go on searching', async () => {
  const { router, set } = await listed();
  const stay = router.beforeEach(() => false);
  await router.push('/other');
  stay();
  set({ q: 'spring' });
  await settled();
  expect(router.currentRoute.value.fullPath).toBe('/list?q=spring');
});
