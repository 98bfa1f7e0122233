// Short notes about what has just happened; they leave by themselves.
import { reactive } from 'vue';

/** @typedef {{id: number, text: string, tone: 'success' | 'danger'}} Note */

const STAYS_MS = 5000;
let last = 0;

/** @type {Note[]} */
export const notes = reactive([]);

/**
 * @param {string} text
 * @param {Note['tone']} [tone]
 */
export function toast(text, tone = 'success') {
  const note = { id: ++last, text, tone };
  notes.push(note);
  setTimeout(() => dismiss(note.id), STAYS_MS);
}

/** @param {number} id */
export function dismiss(id) {
  const at = notes.findIndex((note) => note.id === id);
  if (at >= 0) notes.splice(at, 1);
}
