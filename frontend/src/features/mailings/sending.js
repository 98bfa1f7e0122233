// Before mails are sent: the label of the button, and the confirmation with the message, the number and a test mail.
import { useI18n } from 'vue-i18n';

import { api, ask } from '../../api/client.js';
import { confirm } from '../../ui/confirm.js';
import { zoneName } from '../../ui/zone-name.js';
import { session } from '../auth/session.js';
import { fetchRecipients } from '../recipients/recipients.js';

const WEEK_MS = 7 * 86_400_000;

/**
 * The current number of recipients; null if none are selected.
 * @param {import('./draft.js').Draft} draft
 * @param {Api.Mailing | null} mailing the one being edited or duplicated
 * @returns {Promise<number | null>}
 */
export async function countRecipients({ audience, q, ids }, mailing) {
  if (audience === 'keep') return mailing?.recipients_count ?? null;
  if (audience === 'chosen') return ids.length;
  if (audience === '') return null;
  const owner_id = String(session.user?.id ?? '');
  const { total } = await fetchRecipients({ per_page: '1', owner_id, q: audience === 'search' ? q : '' });
  return total;
}

/** The label of the form's button. */
export function useSaveLabel() {
  const { t, n, locale } = useI18n();

  /** @param {string} local local time in the zone @param {string} zone @param {number} now */
  function moment(local, zone, now) {
    const at = new Date(`${local}Z`); // local time, formatted without conversion
    const near = Math.abs(at.getTime() - now) < WEEK_MS - 86_400_000;
    const day = /** @type {Intl.DateTimeFormatOptions} */ (
      near ? { weekday: 'short' } : { day: 'numeric', month: 'short', year: 'numeric' }
    );
    const format = (/** @type {Intl.DateTimeFormatOptions} */ options) =>
      new Intl.DateTimeFormat(locale.value, { timeZone: 'UTC', ...options }).format(at);
    const clock = format({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
    return t('mailings.save.moment', { day: format(day), clock, zone: zoneName(zone, locale.value) });
  }

  /**
   * @param {import('./draft.js').Draft} draft
   * @param {{isNew: boolean, atOnce: boolean, isPast: boolean, count: number | null, now: number}} facts
   */
  return ({ start, starts_local, time_zone }, { isNew, atOnce, isPast, count, now }) => {
    if (atOnce && count)
      return t(isNew ? 'mailings.save.send_to' : 'mailings.save.change_and_send_to', { n: n(count) }, count);
    if (atOnce) return t(isNew ? 'mailings.save.send' : 'mailings.save.change_and_send');
    if (!isNew) return t('mailings.save.change');
    if (start !== 'at' || !starts_local || isPast) return t('mailings.create');
    return t('mailings.save.schedule', { when: moment(starts_local, time_zone, now) });
  };
}

/** The confirmation before anything is sent. */
export function useSendQuestion() {
  const { t, n } = useI18n();

  /** @param {number} message_id */
  async function sendTest(message_id) {
    await ask(api.POST('/api/v1/messages/{id}/test', { params: { path: { id: message_id } }, body: {} }));
    return t('mailings.test_sent', { email: session.user?.email ?? '' });
  }

  /**
   * @param {{message_id: number, subject: string, count: number}} what
   * @returns {Promise<boolean>}
   */
  return ({ message_id, subject, count }) =>
    confirm({
      title: t('mailings.send_title'),
      text: t('mailings.send_text', { what: subject, n: n(count) }, count),
      action: t('mailings.save.send_to', { n: n(count) }, count),
      aside: { action: t('mailings.test_first'), act: () => sendTest(message_id) },
    });
}
