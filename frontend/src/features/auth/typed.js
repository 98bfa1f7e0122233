// What the user has typed on the sign-in and sign-up pages, carried over to the next page. Kept in memory only, and
// cleared after sign-in, because browsers may be shared.
import { reactive, ref, toRef } from 'vue';

const typed = reactive({ email: '', full_name: '' });

/** The address, as a form's value. */
export const typedEmail = () => toRef(typed, 'email');
export const typedName = () => toRef(typed, 'full_name');

/** The address used to sign up, shown on the "check your mail" page. */
export const signedUpAs = ref('');

export function forgetTyped() {
  Object.assign(typed, { email: '', full_name: '' });
  signedUpAs.value = '';
}
