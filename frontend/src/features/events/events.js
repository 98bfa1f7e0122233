// The journal's kinds, its calls, and what an entry is about.
import { api, ask } from '../../api/client.js';
import { periodOf } from '../../ui/period.js';

/** @typedef {NonNullable<Api.Paths['/api/v1/events']['get']['parameters']['query']>} EventQuery */
/** @typedef {import('../../ui/list.js').Query} Query */
/** @typedef {import('../mailings/looks.js').Look} Look */

const LIMIT = 50;
/** @type {Look} */
const account = { tone: 'info', icon: 'person' };
/** @type {Look} */
const access = { tone: 'neutral', icon: 'key' };
/** @type {Look} */
const change = { tone: 'neutral', icon: 'pencil' };
/** @type {Look} */
const gone = { tone: 'neutral', icon: 'trash' };
/** @type {Look} */
const trouble = { tone: 'warning', icon: 'exclamation-triangle' };

/** Every kind there is, in the order they are offered, and how it looks. @type {Record<Api.EventKind, Look>} */
export const kindLooks = {
  signed_in: access,
  sign_in_failed: trouble,
  signed_out: access,
  signed_up: account,
  confirmed: account,
  password_reset: access,
  password_changed: access,
  email_changed: account,
  session_revoked: access,
  refresh_reused: trouble,
  token_created: access,
  token_revoked: access,
  password_reset_requested: access,
  email_change_requested: account,
  profile_changed: account,
  avatar_changed: account,
  avatar_removed: gone,
  invitation_created: { tone: 'info', icon: 'envelope-check' },
  invitation_revoked: gone,
  invitation_accepted: account,
  quotas_changed: { tone: 'warning', icon: 'shield-lock' },
  user_blocked: { tone: 'danger', icon: 'lock' },
  user_unblocked: { tone: 'success', icon: 'unlock' },
  role_changed: { tone: 'warning', icon: 'shield-lock' },
  mailing_created: change,
  mailing_changed: change,
  mailing_deleted: gone,
  mailing_disabled: { tone: 'danger', icon: 'slash-circle' },
  mailing_enabled: { tone: 'success', icon: 'check-circle' },
  mailing_paused: { tone: 'warning', icon: 'pause-circle' },
  mailing_resumed: { tone: 'info', icon: 'play-circle' },
  mailing_cancelled: { tone: 'warning', icon: 'stop-circle' },
  run_started: { tone: 'info', icon: 'send' },
  run_finished: { tone: 'success', icon: 'send-check' },
  run_retried: { tone: 'info', icon: 'arrow-repeat' },
  message_created: change,
  message_changed: change,
  message_deleted: gone,
  recipient_created: change,
  recipient_changed: change,
  recipient_deleted: gone,
  suppression_added: { tone: 'warning', icon: 'envelope-slash' },
  suppression_lifted: change,
  unsubscribed: { tone: 'warning', icon: 'envelope-slash' },
  subscribed_again: change,
  image_uploaded: change,
  article_created: change,
  article_changed: change,
  article_published: { tone: 'success', icon: 'check-circle' },
  article_unpublished: { tone: 'warning', icon: 'slash-circle' },
  article_deleted: gone,
  smtp_server_created: change,
  smtp_server_changed: change,
  smtp_server_deleted: gone,
};

export const KINDS = /** @type {Api.EventKind[]} */ (Object.keys(kindLooks));

/**
 * The filters of the address bar as the API takes them.
 * @param {Query} filters
 * @param {string} zone
 * @returns {EventQuery}
 */
export function eventQuery({ actor_id, kind, ...days }, zone) {
  const wanted = { actor_id: Number(actor_id) || undefined, kind: kind || undefined, ...periodOf(days, zone) };
  return /** @type {EventQuery} */ (
    Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined))
  );
}

/**
 * @param {Query} filters
 * @param {string} zone
 * @param {string | undefined} cursor
 * @param {AbortSignal} [signal]
 */
export function fetchEvents(filters, zone, cursor, signal) {
  const query = { ...eventQuery(filters, zone), limit: LIMIT, ...(cursor ? { cursor } : {}) };
  return ask(api.GET('/api/v1/events', { params: { query }, signal }));
}

/**
 * Where what an entry is about can be seen, if anywhere: it may be gone since.
 * @param {Pick<Api.Event, 'subject' | 'kind'>} event
 * @returns {import('vue-router').RouteLocationRaw | null}
 */
export function subjectLink({ subject, kind }) {
  if (!subject || kind.endsWith('_deleted')) return null;
  if (subject.kind === 'mailing') return { name: 'mailing', params: { id: subject.id } };
  if (subject.kind === 'message') return { name: 'message', params: { id: subject.id } };
  if (subject.kind === 'recipient') return { name: 'log', query: { recipient_id: subject.id } };
  if (subject.kind === 'suppression') return { name: 'suppressions', query: { q: subject.name } };
  return subject.kind === 'user' ? { name: 'users', query: { q: subject.name } } : null;
}
