// The one door to the API: typed calls, the access token in memory only, one refresh for all who wait for it.
import createClient from 'openapi-fetch';

import { ApiError, isAborted } from './problem.js';

/** @type {string | null} */
let accessToken = null;
/** @type {Promise<Api.SignedIn | null> | null} */
let refreshing = null;
/** @type {() => void} */
let sessionEnded = () => {};

/** @type {import('openapi-fetch').Client<Api.Paths>} */
export const api = createClient({ baseUrl: location.origin, fetch: fetchWithSession });

/** @param {string | null} token */
export function setAccessToken(token) {
  accessToken = token;
}

/** What to do when the server no longer knows the session. @param {() => void} action */
export function onSessionEnded(action) {
  sessionEnded = action;
}

/**
 * The data of a successful call; an ApiError otherwise.
 * @template T
 * @param {Promise<{data?: T, error?: unknown, response: Response}>} call
 * @returns {Promise<T>}
 */
export async function ask(call) {
  const { data, error, response } = await call.catch((cause) => {
    throw cause instanceof ApiError || isAborted(cause) ? cause : new ApiError('network');
  });
  if (!response.ok) throw ApiError.from(response, error);
  return /** @type {T} */ (data);
}

/**
 * A new access token for the refresh cookie, or null when there is no live session.
 * The cookie is rotated at each use: callers share one request, tabs take turns.
 */
export function refresh() {
  refreshing ??= oneTabAtATime(requestSession).finally(() => {
    refreshing = null;
  });
  return refreshing;
}

/** @returns {Promise<Api.SignedIn | null>} */
async function requestSession() {
  try {
    const session = await ask(api.POST('/api/v1/auth/refresh'));
    accessToken = session.access_token;
    return session;
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 401) throw error;
    accessToken = null;
    return null;
  }
}

/** @template T @param {() => Promise<T>} work @returns {Promise<T>} */
function oneTabAtATime(work) {
  // Browsers offer locks on https and localhost only; elsewhere the server tolerates a lost answer.
  return navigator.locks ? navigator.locks.request('dispatch-session', work) : work();
}

/** @param {Request} request */
async function fetchWithSession(request) {
  if (new URL(request.url).pathname.startsWith('/api/v1/auth/')) return globalThis.fetch(request);
  const again = request.clone();
  const response = await globalThis.fetch(authorised(request));
  if (response.status !== 401) return response;
  if (await refresh()) return globalThis.fetch(authorised(again));
  sessionEnded();
  return response;
}

/** @param {Request} request */
function authorised(request) {
  if (accessToken) request.headers.set('Authorization', `Bearer ${accessToken}`);
  return request;
}
