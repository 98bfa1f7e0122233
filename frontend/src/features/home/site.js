// Settings of the installation, fetched once: whether and to whom sign-up is open.
import { reactive, readonly } from 'vue';

import { api, ask } from '../../api/client.js';

const state = reactive({ known: /** @type {Api.Site | null} */ (null) });
/** @type {Promise<unknown> | null} */
let asking = null;

/** `null` until the response arrives, or if the request fails. */
export function useSite() {
  asking ??= ask(api.GET('/api/v1/site'))
    .then((site) => (state.known = site))
    .catch(() => (asking = null));
  return readonly(state);
}

/** Whether an account can be opened without an invitation. @param {Readonly<Pick<Api.Site, 'sign_up'>> | null} site */
export const isOpenToMany = (site) => site?.sign_up === 'open' || site?.sign_up === 'domains';
