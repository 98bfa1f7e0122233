// What somebody has typed about themselves on one of the pages for signing in and up: it is there on the next one, too. Kept
// in memory only, and forgotten once they are in: others may use the same browser.
import { reactive, ref, toRef } from 'vue';

const typed = reactive({ email: '', full_name: '' });

/** The address, as a form's value. */
export const typedEmail = () => toRef(typed, 'email');
export const typedName = () => toRef(typed, 'full_name');

/** The address somebody has just signed up with, so that "check your mail" can name it. */
export const signedUpAs = ref('');

export function forgetTyped() {
  Object.assign(typed, { email: '', full_name: '' });
  signedUpAs.value = '';
}
