// The application shell for public pages: loaded when a signed-in user opens one.
import { shallowRef } from 'vue';

/** @type {import('vue').ShallowRef<import('vue').Component | null>} */
export const shell = shallowRef(null);

export async function loadShell() {
  shell.value ??= (await import('./AppShell.vue')).default;
}
