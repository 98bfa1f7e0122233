// A letter as its reader got it, by the token that came with it.
import { api, ask } from '../../api/client.js';

/** @param {string} token */
export const fetchLetter = (token) => ask(api.GET('/api/v1/letters/{token}', { params: { path: { token } } }));
