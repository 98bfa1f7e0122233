// Calls about articles that more than one screen makes, and what an article is like.
import { api, ask } from '../../api/client.js';
import { pictureProblem } from '../profile/picture.js';
import { localToUtc, utcToLocal } from '../../ui/zone.js';

/** @typedef {NonNullable<Api.Paths['/api/v1/articles']['get']['parameters']['query']>} ListQuery */

/**
 * Without a status: what everybody may read.
 * @param {import('../../ui/list.js').Query} query
 * @param {AbortSignal} [signal]
 * @returns {Promise<Api.Page<Api.ArticleSummary>>}
 */
export function fetchArticles({ page = '1', per_page = '20', q = '', status = '' }, signal) {
  const query = /** @type {ListQuery} */ ({
    page: Number(page),
    per_page: Number(per_page),
    ...(q ? { q } : {}),
    ...(status ? { status } : {}),
  });
  return ask(api.GET('/api/v1/articles', { params: { query }, signal }));
}

/** By the last part of its address; for staff also by its number. @param {string | number} id */
export const fetchArticle = (id) => ask(api.GET('/api/v1/articles/{id}', { params: { path: { id: String(id) } } }));

/** @param {Api.CreateArticle} body */
export const createArticle = (body) => ask(api.POST('/api/v1/articles', { body }));

/** @param {number} id @param {Api.UpdateArticle} body */
export const updateArticle = (id, body) => ask(api.PATCH('/api/v1/articles/{id}', { params: { path: { id } }, body }));

/** @param {number} id */
export const deleteArticle = (id) => ask(api.DELETE('/api/v1/articles/{id}', { params: { path: { id } } }));

/** @param {number} id */
export const publishArticle = (id) => ask(api.POST('/api/v1/articles/{id}/publish', { params: { path: { id } } }));

/** @param {number} id */
export const unpublishArticle = (id) => ask(api.POST('/api/v1/articles/{id}/unpublish', { params: { path: { id } } }));

/** A file as it is. @param {File} file */
const whole = (file) => ({
  body: /** @type {any} */ (file),
  bodySerializer: () => file,
  headers: { 'Content-Type': file.type },
});

/** @param {number} id @param {File} file */
export const changeImage = (id, file) =>
  ask(api.PUT('/api/v1/articles/{id}/image', { params: { path: { id } }, ...whole(file) }));

/** A picture to be shown in a text. @param {File} file @returns {Promise<string>} where it is */
export async function uploadImage(file) {
  const wrong = pictureProblem(file);
  if (wrong) throw wrong;
  return (await ask(api.POST('/api/v1/images', whole(file)))).url;
}

/** @param {number} id */
export const removeImage = (id) => ask(api.DELETE('/api/v1/articles/{id}/image', { params: { path: { id } } }));

export const articleLooks = /** @type {const} */ ({
  draft: { tone: 'neutral', icon: 'pencil' },
  scheduled: { tone: 'info', icon: 'clock' },
  published: { tone: 'success', icon: 'check-circle' },
});

/** @param {Pick<Api.ArticleSummary, 'is_published' | 'published_at'>} article @param {number} [now] */
export function stateOf({ is_published, published_at }, now = Date.now()) {
  if (!is_published) return 'draft';
  return published_at && Date.parse(published_at) > now ? 'scheduled' : 'published';
}

/**
 * The moment that a field's clock shows; the stored one keeps its seconds when the field was not touched.
 * @param {string} local empty: none
 * @param {string} zone
 * @param {string | null} [stored]
 */
export function momentOf(local, zone, stored = null) {
  if (!local) return null;
  return stored && utcToLocal(stored, zone) === local ? stored : localToUtc(local, zone);
}
