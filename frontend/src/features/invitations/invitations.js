// API calls for invitations, for managers and administrators.
import { api, ask } from '../../api/client.js';

/**
 * @param {import('../../ui/list.js').Query} query
 * @param {AbortSignal} [signal]
 * @returns {Promise<Api.Page<Api.Invitation>>}
 */
export function fetchInvitations({ page = '1', per_page = '10' }, signal) {
  const query = { page: Number(page), per_page: Number(per_page) };
  return ask(api.GET('/api/v1/invitations', { params: { query }, signal }));
}

/** Mails a link; an address already invited gets a new one. @param {Api.CreateInvitation} body */
export const invite = (body) => ask(api.POST('/api/v1/invitations', { body }));

/** @param {number} id */
export const withdrawInvitation = (id) => ask(api.DELETE('/api/v1/invitations/{id}', { params: { path: { id } } }));
