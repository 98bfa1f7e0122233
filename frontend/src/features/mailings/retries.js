// Sending again what has failed: which deliveries can be, and what the server is asked for.
import { useI18n } from 'vue-i18n';

import { api, ask } from '../../api/client.js';
import { confirm } from '../../ui/confirm.js';
import { useProblemText } from '../../ui/problem.js';
import { toast } from '../../ui/toast.js';

/** Given up, or sent without an answer and nothing planned. @param {Pick<Api.Delivery, 'status' | 'next_attempt_at'>} delivery */
export const isFailed = ({ status, next_attempt_at }) =>
  status === 'rejected' || status === 'expired' || (status === 'uncertain' && !next_attempt_at);

/** What asks for the deliveries of a group; a code that no server gave cannot be asked for. @param {Api.Failure} group @returns {Api.Retry} */
export function retryOf({ status, smtp_code, enhanced_code }) {
  return { status, ...(smtp_code ? { smtp_code } : {}), ...(enhanced_code ? { enhanced_code } : {}) };
}

/**
 * The groups that a request takes up: more than one where they differ by the stage alone.
 * @param {Api.Failure[]} groups
 * @param {Api.Retry} wanted
 */
export const groupsOf = (groups, wanted) =>
  groups.filter(
    ({ status, smtp_code, enhanced_code }) =>
      (!wanted.status || wanted.status === status) &&
      (!wanted.smtp_code || wanted.smtp_code === smtp_code) &&
      (!wanted.enhanced_code || wanted.enhanced_code === enhanced_code),
  );

/** @param {Pick<Api.Failure, 'count'>[]} groups */
export const sumOf = (groups) => groups.reduce((sum, { count }) => sum + count, 0);

/** @param {() => unknown} changed called after something was done */
export function useRetry(changed) {
  const { t, n } = useI18n();
  const problemText = useProblemText();

  /**
   * Asks first, as every sending by hand does.
   * @param {number} runId
   * @param {Api.Retry} wanted
   * @param {{count: number, uncertain: boolean}} about how many, and whether a second copy may come of it
   */
  return async (runId, wanted, { count, uncertain }) => {
    const question = t('runs.retry.text', { n: n(count) }, count);
    const text = uncertain ? `${question} ${t('runs.retry.second_copy')}` : question;
    if (!(await confirm({ title: t('runs.retry.title'), text, action: t('runs.retry.action') }))) return false;
    try {
      await ask(api.POST('/api/v1/runs/{id}/retry', { params: { path: { id: runId } }, body: wanted }));
      toast(t('runs.retry.begun'));
      return true;
    } catch (cause) {
      toast(problemText(cause), 'danger');
      return false;
    } finally {
      changed();
    }
  };
}
