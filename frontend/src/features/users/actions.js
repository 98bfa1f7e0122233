// Blocking, unblocking and giving a role: what ends somebody's work asks first.
import { shallowRef } from 'vue';
import { useI18n } from 'vue-i18n';

import { confirm } from '../../ui/confirm.js';
import { useProblemText } from '../../ui/problem.js';
import { toast } from '../../ui/toast.js';
import { giveRole, unblockUser } from './users.js';

/** @param {() => unknown} changed called after something was done */
export function useUserActions(changed) {
  const { t } = useI18n();
  const problemText = useProblemText();
  /** The account whose block waits for a reason. @type {import('vue').ShallowRef<Api.User | null>} */
  const blocking = shallowRef(null);

  /** @param {() => Promise<unknown>} work @param {string} done */
  async function run(work, done) {
    try {
      await work();
      toast(done);
    } catch (cause) {
      toast(problemText(cause), 'danger');
    } finally {
      changed();
    }
  }

  /** @param {import('./permitted.js').Standing} standing @param {Api.User} user */
  async function setStanding(standing, user) {
    if (standing === 'block') {
      blocking.value = user;
      return;
    }
    const text = t('users.unblock_text', { what: user.email });
    if (!(await confirm({ title: t('users.unblock_title'), text, action: t('users.actions.unblock') }))) return;
    await run(() => unblockUser(user.id), t('users.unblocked'));
  }

  /** @param {Api.Role} role @param {Api.User} user */
  async function setRole(role, user) {
    const question = {
      title: t(`users.make_titles.${role}`),
      text: `${t(`users.make_texts.${role}`, { what: user.email })} ${t('users.make_sessions')}`,
      action: t(`users.make.${role}`),
      danger: true,
    };
    if (await confirm(question)) await run(() => giveRole(user.id, role), t('users.role_changed'));
  }

  return { blocking, setStanding, setRole };
}
