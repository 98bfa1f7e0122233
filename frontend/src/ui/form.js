// A form's state: its values, whether it is being sent, and what the server found wrong, field by field.
import { computed, nextTick, reactive, ref } from 'vue';

import { asApiError } from '../api/problem.js';
import { useFieldText } from './field-text.js';
import { useProblemText } from './problem.js';

/** The first invalid field; for radio buttons the first of them. */
const WRONG = '[aria-invalid="true"], [data-invalid] input';

/**
 * @template {object} T
 * @param {T} initial a value may be a ref that outlives the form
 * @param {string[]} [shown] the server's fields that the form has a place for, where they are not called as its values
 */
export function useForm(initial, shown = Object.keys(initial)) {
  const fieldText = useFieldText();
  const problemText = useProblemText();
  const values = reactive({ ...initial });
  const busy = ref(false);
  /** @type {import('vue').Ref<import('../api/problem.js').ApiError | null>} */
  const failure = ref(null);

  /** The text under a field, empty when it is fine. @param {string} field */
  function error(field) {
    const found = failure.value?.fields.find((wrong) => wrong.field === field || wrong.field.startsWith(`${field}.`));
    return found ? fieldText(found) : '';
  }

  /** What no field of this form can show. */
  const problem = computed(() => {
    if (!failure.value) return '';
    const { fields } = failure.value;
    if (!fields.length) return problemText(failure.value);
    const foreign = fields.filter(({ field }) => !shown.includes(field.split('.')[0] ?? ''));
    return foreign.map((found) => `${found.field}: ${fieldText(found)}`).join('; ');
  });

  /** Shows what an error says, at the fields it names. @param {unknown} cause */
  function fail(cause) {
    failure.value = asApiError(cause);
  }

  /**
   * Sends once at a time; the cursor goes to the first field that is wrong.
   * @param {() => Promise<void>} work
   * @returns {Promise<boolean>} whether it went through
   */
  async function submit(work) {
    if (busy.value) return false;
    busy.value = true;
    failure.value = null;
    try {
      await work();
      return true;
    } catch (cause) {
      fail(cause);
      void nextTick(() => /** @type {HTMLElement | null} */ (document.querySelector(WRONG))?.focus());
      return false;
    } finally {
      busy.value = false;
    }
  }

  const clear = () => {
    failure.value = null;
  };

  return reactive({ values, busy, problem, error, fail, clear, submit });
}
