// The frame of the inside for the pages that are open to all: loaded when somebody who is signed in opens one.
import { shallowRef } from 'vue';

/** @type {import('vue').ShallowRef<import('vue').Component | null>} */
export const shell = shallowRef(null);

export async function loadShell() {
  shell.value ??= (await import('./AppShell.vue')).default;
}
