// What a recipient asks with the token of a letter: whose letters these are, to get no more of them, and to get them again.
import { api, ask } from '../../api/client.js';

/** Without naming JSON a browser would be sent to the page it is on. @param {string} token */
export const fetchUnsubscribe = (token) =>
  ask(api.GET('/api/v1/unsubscribe/{token}', { params: { path: { token } }, headers: { Accept: 'application/json' } }));

/** @param {string} token */
export const unsubscribe = (token) => ask(api.POST('/api/v1/unsubscribe/{token}', { params: { path: { token } } }));

/** @param {string} token */
export const subscribeAgain = (token) =>
  ask(api.DELETE('/api/v1/unsubscribe/{token}', { params: { path: { token } } }));
