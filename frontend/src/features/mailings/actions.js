// What can be done with a mailing from its row and from its page; what cannot be taken back asks first.
import { shallowRef } from 'vue';
import { useI18n } from 'vue-i18n';

import { confirm } from '../../ui/confirm.js';
import { useProblemText } from '../../ui/problem.js';
import { toast } from '../../ui/toast.js';
import { cancelRun, deleteMailing, enableMailing, pauseMailing, resumeMailing, sendMailing } from './mailings.js';
import { useSendQuestion } from './sending.js';
import { leftToSend } from './timing.js';

/** @typedef {import('./permitted.js').Action} Action */

/** @type {Record<Action, keyof typeof import('../../ui/icons.js').icons>} */
export const actionIcons = {
  send: 'send',
  pause: 'pause-circle',
  resume: 'play-circle',
  cancel: 'stop-circle',
  enable: 'check-circle',
  disable: 'slash-circle',
  remove: 'trash',
};

/** @param {() => unknown} changed called after something was done */
export function useMailingActions(changed) {
  const { t, n } = useI18n();
  const problemText = useProblemText();
  const askToSend = useSendQuestion();
  /** The mailing whose disabling waits for a reason. @type {import('vue').ShallowRef<Api.Mailing | null>} */
  const disabling = shallowRef(null);

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
  async function send({ id, message_id, message_subject, recipients_count }) {
    const question = { message_id, subject: message_subject, count: recipients_count };
    return (await askToSend(question)) && run(() => sendMailing(id), t('mailings.sending'));
  }

  /**
   * Asks for confirmation only if mails are sent immediately.
   * @param {Api.Mailing} mailing
   * @param {'resume' | 'enable'} action
   */
  async function mayGoOn(mailing, action) {
    const left = leftToSend(mailing);
    if (!left) return true;
    const text = t('mailings.go_on_text', { what: mailing.message_subject, n: n(left) }, left);
    return confirm({ title: t('mailings.go_on_title'), text, action: t(`mailings.actions.${action}`) });
  }

  /** @param {Api.Mailing} mailing */
  const resume = async (mailing) =>
    (await mayGoOn(mailing, 'resume')) && run(() => resumeMailing(mailing.id), t('mailings.resumed'));

  /** @param {Api.Mailing} mailing */
  const enable = async (mailing) =>
    (await mayGoOn(mailing, 'enable')) && run(() => enableMailing(mailing.id), t('mailings.enabled'));

  /** @param {Api.Mailing} mailing */
  async function cancel({ id, message_subject }) {
    const question = {
      title: t('mailings.cancel_title'),
      text: t('mailings.cancel_text', { what: message_subject }),
      action: t('mailings.actions.cancel'),
      dismiss: t('mailings.cancel_dismiss'),
      danger: true,
    };
    return (await confirm(question)) && run(() => cancelRun(id), t('mailings.cancelled'));
  }

  /** @param {Api.Mailing} mailing */
  async function remove({ id, message_subject }) {
    const text = t('mailings.delete_text', { what: message_subject });
    if (!(await confirm({ title: t('mailings.delete_title'), text, action: t('ui.delete'), danger: true })))
      return false;
    return run(() => deleteMailing(id), t('mailings.deleted'));
  }

  /** @param {Api.Mailing} mailing */
  async function disable(mailing) {
    disabling.value = mailing;
    return false;
  }

  /** Each says whether it was done. @type {Record<Action, (mailing: Api.Mailing) => Promise<boolean>>} */
  const work = {
    send,
    pause: ({ id }) => run(() => pauseMailing(id), t('mailings.paused')),
    resume,
    cancel,
    enable,
    disable,
    remove,
  };
  return {
    act: (/** @type {Action} */ action, /** @type {Api.Mailing} */ mailing) => work[action](mailing),
    disabling,
  };
}
