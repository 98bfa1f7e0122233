// Calls about API tokens, and how long they may live.
import { api, ask } from '../../api/client.js';

const DAY_MS = 86_400_000;

/** In days; empty: for good. */
export const LIFETIMES = /** @type {const} */ (['30', '90', '365', '']);

/**
 * @param {string} days
 * @param {number} [now]
 * @returns {string | null}
 */
export const expiryOf = (days, now = Date.now()) => (days ? new Date(now + Number(days) * DAY_MS).toISOString() : null);

/** @param {AbortSignal} signal */
export const fetchTokens = (signal) => ask(api.GET('/api/v1/me/tokens', { signal }));

/** The secret is in this answer only. @param {Api.CreateToken} body */
export const createToken = (body) => ask(api.POST('/api/v1/me/tokens', { body }));

/** @param {Api.Token} token */
export const revokeToken = ({ id }) => ask(api.DELETE('/api/v1/me/tokens/{id}', { params: { path: { id } } }));
