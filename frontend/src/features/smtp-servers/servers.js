// Calls about one's own mail servers.
import { api, ask } from '../../api/client.js';
import { fetchMailings } from '../mailings/mailings.js';

/** The API gives no more at once, and nobody may keep as many servers. */
const MOST = 100;

/** @typedef {NonNullable<Api.Paths['/api/v1/smtp-servers']['get']['parameters']['query']>} ListQuery */

/**
 * @param {import('../../ui/list.js').Query} query
 * @param {AbortSignal} [signal]
 * @returns {Promise<Api.Page<Api.SmtpServer>>}
 */
export function fetchServers({ page = '1', per_page = '20', sort = 'name' }, signal) {
  const query = /** @type {ListQuery} */ ({ page: Number(page), per_page: Number(per_page), sort });
  return ask(api.GET('/api/v1/smtp-servers', { params: { query }, signal }));
}

/** All that one has. @returns {Promise<Api.SmtpServer[]>} */
export const allServers = async () => (await fetchServers({ per_page: String(MOST) })).items;

/** @param {Api.CreateSmtpServer} body */
export const createServer = (body) => ask(api.POST('/api/v1/smtp-servers', { body }));

/** @param {number} id @param {Api.UpdateSmtpServer} body */
export const updateServer = (id, body) =>
  ask(api.PATCH('/api/v1/smtp-servers/{id}', { params: { path: { id } }, body }));

/** @param {number} id */
export const deleteServer = (id) => ask(api.DELETE('/api/v1/smtp-servers/{id}', { params: { path: { id } } }));

/** Goes as far as naming the sender, and sends nothing. @param {number} id @param {AbortSignal} signal */
export const testServer = (id, signal) =>
  ask(api.POST('/api/v1/smtp-servers/{id}/test', { params: { path: { id } }, signal }));

/**
 * The newest mailings that go through a server; looks no further than it has to.
 * @param {Pick<Api.SmtpServer, 'id' | 'mailings_count'>} server
 * @param {{owner: number, most: number, pages: number}} reach
 */
export async function mailingsThrough({ id, mailings_count }, { owner, most, pages }) {
  const wanted = Math.min(most, mailings_count);
  /** @type {Api.Mailing[]} */
  const found = [];
  for (let page = 1; page <= pages && found.length < wanted; page += 1) {
    const part = await fetchMailings({ page: String(page), per_page: String(MOST), owner_id: String(owner) });
    found.push(...part.items.filter(({ smtp_server_id }) => smtp_server_id === id));
    if (page * MOST >= part.total) break;
  }
  return found.slice(0, most);
}
