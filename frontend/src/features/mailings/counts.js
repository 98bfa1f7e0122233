// What the counts of a run add up to.

/** Given up: these got no mail from this run. @param {Api.Counts} counts */
export const failed = (counts) => counts.rejected + counts.expired;

/** Still to come, at once or later. @param {Api.Counts} counts */
export const waiting = (counts) => counts.pending + counts.deferred;

/** Decided, one way or the other. @param {Api.Counts} counts */
export const tried = (counts) => counts.total - waiting(counts);

/** Per cent; nothing of nothing is nothing. @param {number} part @param {number} whole */
export const share = (part, whole) => (whole > 0 ? (100 * part) / whole : 0);
