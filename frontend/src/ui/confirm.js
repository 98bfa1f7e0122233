// Asking before something that cannot be taken back: `if (await confirm({…}))`. The dialog itself is ConfirmDialog.vue.
import { shallowRef } from 'vue';

/** A secondary action that keeps the dialog open. Returns a message about its result. */
/** @typedef {{action: string, act: () => Promise<string>}} Aside */
/** `dismiss`: what not doing it is called, where the action itself is a cancelling. */
/** @typedef {{title: string, text: string, action: string, dismiss?: string, danger?: boolean, aside?: Aside}} Question */
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
