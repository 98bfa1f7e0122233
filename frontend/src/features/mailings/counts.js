// What the counts of a run add up to.

/** Given up: these got no mail from this run. @param {Api.Counts} counts */
export const failed = (counts) => counts.rejected + counts.expired;

/** Still to come, at once or later. @param {Api.Counts} counts */
export const waiting = (counts) => counts.pending + counts.deferred;

/** Decided, one way or the other. @param {Api.Counts} counts */
export const tried = (counts) => counts.total - waiting(counts);

/** Per cent; nothing of nothing is nothing. @param {number} part @param {number} whole */
export const share = (part, whole) => (whole > 0 ? (100 * part) / whole : 0);

/**
 * How long the rest takes at this rate, to be said in words; null when nobody can tell. What is put off waits for its time,
 * not for us.
 * @param {Pick<Api.Counts, 'pending'>} counts
 * @param {number} rate mails per second
 * @returns {{unit: 'moment' | 'minutes' | 'hours' | 'days', n: number} | null}
 */
export function timeLeft({ pending }, rate) {
  if (!pending || rate <= 0) return null;
  const minutes = pending / rate / 60;
  if (minutes <= 1) return { unit: 'moment', n: 1 };
  if (minutes <= 90) return { unit: 'minutes', n: Math.ceil(minutes) };
  const hours = minutes / 60;
  return hours <= 48 ? { unit: 'hours', n: Math.round(hours) } : { unit: 'days', n: Math.round(hours / 24) };
}
