// What this installation is like, asked once: whether, and for whom, it takes new accounts.
import { reactive, readonly } from 'vue';

import { api, ask } from '../../api/client.js';

const state = reactive({ known: /** @type {Api.Site | null} */ (null) });
/** @type {Promise<unknown> | null} */
let asking = null;

/** Until the answer is there, and where it does not come, nothing is known. */
export function useSite() {
  asking ??= ask(api.GET('/api/v1/site'))
    .then((site) => (state.known = site))
    .catch(() => (asking = null));
  return readonly(state);
}

/** Whether somebody without an invitation may open an account. @param {Readonly<Pick<Api.Site, 'sign_up'>> | null} site */
export const isOpenToMany = (site) => site?.sign_up === 'open' || site?.sign_up === 'domains';
