// Calls about mailings that more than one screen makes.
import { api, ask } from '../../api/client.js';
import { readEvents } from '../../api/events.js';
import { once } from '../../api/once.js';

const FOUND = 20;
/** The first event comes at once; after it a sign of life every 15 seconds. */
const PATIENCE = { firstMs: 5000, silenceMs: 40_000 };

/** @typedef {NonNullable<Api.Paths['/api/v1/mailings']['get']['parameters']['query']>} ListQuery */

/**
 * @param {import('../../ui/list.js').Query} query
 * @param {AbortSignal} [signal]
 * @returns {Promise<Api.Page<Api.Mailing>>}
 */
export function fetchMailings(
  { page = '1', per_page = '20', sort = '-created_at', q = '', status = '', owner_id = '' },
  signal,
) {
  const owner = owner_id ? { owner_id: Number(owner_id) } : {};
  const filters = { ...(q ? { q } : {}), ...(status ? { status } : {}), ...owner };
  const query = /** @type {ListQuery} */ ({ page: Number(page), per_page: Number(per_page), sort, ...filters });
  return ask(api.GET('/api/v1/mailings', { params: { query }, signal }));
}

/**
 * Whether something about it changes by itself within so many milliseconds: it is being sent, or its time comes.
 * @param {Pick<Api.Mailing, 'status' | 'next_run_at' | 'paused_at' | 'disabled'>} mailing
 * @param {number} ms
 * @param {number} [now]
 */
export function isMoving({ status, next_run_at, paused_at, disabled }, ms, now = Date.now()) {
  if (status === 'running') return true;
  return !paused_at && !disabled && Boolean(next_run_at) && Date.parse(next_run_at ?? '') <= now + ms;
}

/** @param {number} id @param {AbortSignal} [signal] */
export const fetchMailing = (id, signal) => ask(api.GET('/api/v1/mailings/{id}', { params: { path: { id } }, signal }));

/**
 * Tells the mailing as it is and after each change, until the stream ends or `tell` has heard enough.
 * @param {number} id
 * @param {(mailing: Api.Mailing) => boolean} tell says whether to go on
 * @param {AbortSignal} signal
 */
export async function watchMailing(id, tell, signal) {
  const params = { path: { id } };
  const body = await ask(api.GET('/api/v1/mailings/{id}/live', { params, signal, parseAs: 'stream' }));
  if (!body) return;
  await readEvents(body, ({ event, data }) => event !== 'mailing' || tell(JSON.parse(data)), PATIENCE);
}

/** For a ComboField. @param {string} q @param {string} [owner] whose; those of all who can be seen without it */
export async function searchMailings(q, owner = '') {
  const { items } = await fetchMailings({ q, per_page: String(FOUND), owner_id: owner });
  return items.map(({ id, message_subject }) => ({ value: String(id), label: message_subject, hint: `№ ${id}` }));
}

/** @param {number} id */
export const deleteMailing = (id) => ask(api.DELETE('/api/v1/mailings/{id}', { params: { path: { id } } }));

export const sendMailing = once(
  (/** @type {number} */ id) => id,
  (id, header) => ask(api.POST('/api/v1/mailings/{id}/send', { params: { path: { id }, header } })),
);

/** @param {number} id */
export const pauseMailing = (id) => ask(api.POST('/api/v1/mailings/{id}/pause', { params: { path: { id } } }));

/** Lifts what the engine paused by itself, too. @param {number} id */
export const resumeMailing = (id) => ask(api.POST('/api/v1/mailings/{id}/resume', { params: { path: { id } } }));

/** Ends the open run; later ones go on. @param {number} id */
export const cancelRun = (id) => ask(api.POST('/api/v1/mailings/{id}/cancel', { params: { path: { id } } }));

/** @param {number} id @param {string} reason */
export const disableMailing = (id, reason) =>
  ask(api.POST('/api/v1/mailings/{id}/disable', { params: { path: { id } }, body: { reason } }));

/** @param {number} id */
export const enableMailing = (id) => ask(api.POST('/api/v1/mailings/{id}/enable', { params: { path: { id } } }));

/** @param {Omit<Api.PreviewOccurrences, 'count'>} schedule */
export const previewOccurrences = (schedule) =>
  ask(api.POST('/api/v1/occurrences/preview', { body: { ...schedule, count: 10 } }));
