// An error of the API in the user's words.
import { useI18n } from 'vue-i18n';

import { asApiError } from '../api/problem.js';

/** @returns {(cause: unknown) => string} */
export function useProblemText() {
  const { t, te } = useI18n();
  return (cause) => {
    const { code } = asApiError(cause);
    return t(te(`errors.${code}`) ? `errors.${code}` : 'errors.internal');
  };
}
