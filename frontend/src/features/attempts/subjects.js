// What the mailings of the log are called. An attempt carries a number only; the log outlives its mailing.
import { ref } from 'vue';

import { fetchMailing, fetchMailings } from '../mailings/mailings.js';

const MOST = '100';
/** Beyond the newest hundred, so many are asked for one by one; the others keep their number. */
const ONE_BY_ONE = 8;

export function useSubjects() {
  const subjects = ref(/** @type {Map<number, string>} */ (new Map()));
  let listed = false;

  /** @param {Api.Mailing[]} mailings */
  function keep(mailings) {
    for (const { id, message_subject } of mailings) subjects.value.set(id, message_subject);
  }

  /** @param {number[]} ids */
  async function learn(ids) {
    const missing = () => [...new Set(ids)].filter((id) => !subjects.value.has(id));
    if (!missing().length) return;
    if (!listed) {
      listed = true;
      keep((await fetchMailings({ per_page: MOST }).catch(() => ({ items: [] }))).items);
    }
    for (const id of missing().slice(0, ONE_BY_ONE)) {
      const mailing = await fetchMailing(id).catch(() => null);
      if (mailing) keep([mailing]);
      else subjects.value.set(id, `№ ${id}`);
    }
  }

  return { learn, subjectOf: (/** @type {number} */ id) => subjects.value.get(id) ?? `№ ${id}` };
}
