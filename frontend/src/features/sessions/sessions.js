// Calls about the places somebody is signed in at.
import { api, ask } from '../../api/client.js';

/** @param {AbortSignal} signal */
export const fetchSessions = (signal) => ask(api.GET('/api/v1/me/sessions', { signal }));

/** @param {Api.Session} session */
export const revokeSession = ({ id }) => ask(api.DELETE('/api/v1/me/sessions/{id}', { params: { path: { id } } }));
