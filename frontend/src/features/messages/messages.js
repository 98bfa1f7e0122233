// Calls about messages that more than one screen makes.
import { api, ask } from '../../api/client.js';

const FOUND = 20;

/** What the API takes as a sort. @typedef {NonNullable<NonNullable<Api.Paths['/api/v1/messages']['get']['parameters']['query']>['sort']>} Sort */

/**
 * @param {import('../../ui/list.js').Query} query
 * @param {AbortSignal} [signal]
 * @returns {Promise<Api.Page<Api.MessageSummary>>}
 */
export function fetchMessages({ page = '1', per_page = '20', sort = '-created_at', q = '', owner_id = '' }, signal) {
  const query = {
    page: Number(page),
    per_page: Number(per_page),
    sort: /** @type {Sort} */ (sort),
    ...(q ? { q } : {}),
    ...(owner_id ? { owner_id: Number(owner_id) } : {}),
  };
  return ask(api.GET('/api/v1/messages', { params: { query }, signal }));
}

/** For a ComboField. @param {string} q @param {string | number} [owner] whose; those of all who can be seen without it */
export async function searchMessages(q, owner = '') {
  const { items } = await fetchMessages({ q, per_page: String(FOUND), owner_id: String(owner) });
  return items.map(({ id, subject }) => ({ value: String(id), label: subject }));
}

/** @param {number} id */
export const fetchMessage = (id) => ask(api.GET('/api/v1/messages/{id}', { params: { path: { id } } }));

/**
 * A draft as a recipient will see it; without one, as oneself.
 * @param {{subject: string, html: string, text: string}} draft
 * @param {number | null} recipientId
 */
export function previewMessage(draft, recipientId) {
  const body = { ...draft, ...(recipientId ? { recipient_id: recipientId } : {}) };
  return ask(api.POST('/api/v1/messages/preview', { body }));
}

/**
 * A stored message as one of its owner's recipients will get it.
 * @param {number} id
 * @param {number | null} recipientId
 */
export const previewStored = (id, recipientId) =>
  ask(
    api.POST('/api/v1/messages/{id}/preview', {
      params: { path: { id } },
      body: recipientId ? { recipient_id: recipientId } : {},
    }),
  );
