// What a recipient asks with the token of a letter: whose letters these are, and to get no more of them.
import { api, ask } from '../../api/client.js';

/** Without naming JSON a browser would be sent to the page it is on. @param {string} token */
export const fetchUnsubscribe = (token) =>
  ask(api.GET('/api/v1/unsubscribe/{token}', { params: { path: { token } }, headers: { Accept: 'application/json' } }));

/** @param {string} token */
export const unsubscribe = (token) => ask(api.POST('/api/v1/unsubscribe/{token}', { params: { path: { token } } }));
