// What can be done with a mailing from its row and from its page; both ask first.
import { useI18n } from 'vue-i18n';

import { confirm } from '../../ui/confirm.js';
import { useProblemText } from '../../ui/problem.js';
import { toast } from '../../ui/toast.js';
import { deleteMailing, sendMailing } from './mailings.js';

/** @param {() => unknown} changed called after something was done */
export function useMailingActions(changed) {
  const { t, n } = useI18n();
  const problemText = useProblemText();

  /** @param {() => Promise<unknown>} work @param {string} done */
  async function run(work, done) {
    try {
      await work();
      toast(done);
      return true;
    } catch (cause) {
      toast(problemText(cause), 'danger');
      return false;
    } finally {
      changed();
    }
  }

  /** @param {Api.Mailing} mailing */
  async function send({ id, message_subject, recipients_count }) {
    const text = t('mailings.send_text', { what: message_subject, n: n(recipients_count) }, recipients_count);
    if (!(await confirm({ title: t('mailings.send_title'), text, action: t('mailings.send') }))) return false;
    return run(() => sendMailing(id), t('mailings.sending'));
  }

  /** @param {Api.Mailing} mailing */
  async function remove({ id, message_subject }) {
    const text = t('mailings.delete_text', { what: message_subject });
    if (!(await confirm({ title: t('mailings.delete_title'), text, action: t('ui.delete'), danger: true })))
      return false;
    return run(() => deleteMailing(id), t('mailings.deleted'));
  }

  return { send, remove };
}
