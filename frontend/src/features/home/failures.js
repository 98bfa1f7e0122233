// The latest attempts that did not succeed: the log is asked by outcome, the answers are put in order of time.
import { api, ask } from '../../api/client.js';

const SHOWN = 8;

/** @returns {Promise<Api.Attempt[]>} */
export async function loadFailures() {
  const outcomes = /** @type {const} */ (['rejected', 'unreachable', 'deferred', 'uncertain']);
  const parts = await Promise.all(
    outcomes.map((outcome) => ask(api.GET('/api/v1/attempts', { params: { query: { outcome, limit: SHOWN } } }))),
  );
  const all = parts.flatMap(({ items }) => items);
  return all.sort((a, b) => b.at.localeCompare(a.at)).slice(0, SHOWN);
}
