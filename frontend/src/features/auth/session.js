// Who is signed in. The rest of the page asks here; only this file changes it.
import { reactive } from 'vue';

import { api, ask, onSessionEnded, refresh, setAccessToken } from '../../api/client.js';
import { currentLanguage, setLanguage } from '../../i18n/index.js';
import { displayZone } from '../../ui/dates.js';
import { browserZone } from '../../ui/zone.js';

/** @type {{user: Api.Me | null}} */
export const session = reactive({ user: null });

/** @type {Promise<void> | null} */
let restoring = null;

/** @param {Api.Me | null} user */
async function become(user) {
  session.user = user;
  displayZone.value = user?.time_zone ?? browserZone();
  if (user && user.language !== currentLanguage()) await setLanguage(user.language);
}

/** Takes up the session of the refresh cookie, once per visit; a failed call may be tried again. */
export function restoreSession() {
  restoring ??= refresh()
    .then((restored) => become(restored?.user ?? null))
    .catch((cause) => {
      restoring = null;
      throw cause;
    });
  return restoring;
}

/** @param {{email: string, password: string}} credentials */
export async function signIn(credentials) {
  const { access_token, user } = await ask(api.POST('/api/v1/auth/sign-in', { body: credentials }));
  setAccessToken(access_token);
  await become(user);
}

/** The server forgets the session; here it ends even when the server cannot be told. */
export async function signOut() {
  await ask(api.POST('/api/v1/auth/sign-out')).catch(() => undefined);
  setAccessToken(null);
  await become(null);
}

/** The account as the server knows it now; only for somebody who is signed in, and no reason to fail. */
export async function reloadMe() {
  if (!session.user) return;
  await ask(api.GET('/api/v1/me'))
    .then(become)
    .catch(() => undefined);
}

/** @param {Api.UpdateMe} changes */
export async function updateMe(changes) {
  await become(await ask(api.PATCH('/api/v1/me', { body: changes })));
}

/** Another picture, already cut and stored by the server as it likes. @param {File} file */
export async function changeAvatar(file) {
  const upload = {
    body: /** @type {any} */ (file),
    bodySerializer: () => file,
    headers: { 'Content-Type': file.type },
  };
  await become(await ask(api.PUT('/api/v1/me/avatar', upload)));
}

export async function removeAvatar() {
  await ask(api.DELETE('/api/v1/me/avatar'));
  if (session.user) session.user.avatar_url = null;
}

/** Keeps the choice with the account, so that mails to it come in the same language. @param {import('../../i18n/index.js').Language} language */
export async function chooseLanguage(language) {
  await setLanguage(language);
  if (session.user) await updateMe({ language });
}

onSessionEnded(() => void become(null));
