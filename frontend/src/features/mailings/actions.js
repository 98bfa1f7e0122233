// What can be done with a mailing from its row and from its page; what cannot be taken back asks first.
import { shallowRef } from 'vue';
import { useI18n } from 'vue-i18n';

import { confirm } from '../../ui/confirm.js';
import { useProblemText } from '../../ui/problem.js';
import { toast } from '../../ui/toast.js';
import { cancelRun, deleteMailing, enableMailing, pauseMailing, resumeMailing, sendMailing } from './mailings.js';

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
  async function send({ id, message_subject, recipients_count }) {
    const text = t('mailings.send_text', { what: message_subject, n: n(recipients_count) }, recipients_count);
    if (!(await confirm({ title: t('mailings.send_title'), text, action: t('mailings.actions.send') }))) return false;
    return run(() => sendMailing(id), t('mailings.sending'));
  }

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
    resume: ({ id }) => run(() => resumeMailing(id), t('mailings.resumed')),
    cancel,
    enable: ({ id }) => run(() => enableMailing(id), t('mailings.enabled')),
    disable,
    remove,
  };
  return {
    act: (/** @type {Action} */ action, /** @type {Api.Mailing} */ mailing) => work[action](mailing),
    disabling,
  };
}
