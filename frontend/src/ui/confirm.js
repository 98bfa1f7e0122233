// Asking before something that cannot be taken back: `if (await confirm({…}))`. The dialog itself is ConfirmDialog.vue.
import { shallowRef } from 'vue';

/** `dismiss`: what not doing it is called, where the action itself is a cancelling. */
/** @typedef {{title: string, text: string, action: string, dismiss?: string, danger?: boolean}} Question */
/** @typedef {Question & {answer: (yes: boolean) => void}} Pending */

/** @type {import('vue').ShallowRef<Pending | null>} */
export const pending = shallowRef(null);

/** @param {Question} question @returns {Promise<boolean>} */
export function confirm(question) {
  pending.value?.answer(false);
  return new Promise((resolve) => {
    const answer = (/** @type {boolean} */ yes) => {
      pending.value = null;
      resolve(yes);
    };
    pending.value = { ...question, answer };
  });
}
