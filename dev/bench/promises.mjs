// @ts-check
// What each case of the bench has to keep to, and what it did not.

/**
 * @typedef {object} Case
 * @property {string} name
 * @property {number} recipients
 * @property {number} sessions  with the mail server, the engine's and those of the client that finds the limit
 * @property {number} replyDelayMs  how late every reply of the mail server comes
 * @property {Promises} promises
 */
/**
 * @typedef {object} Promises
 * @property {number} [leastOfLimit]  as a share of what the mail server can take
 * @property {number} [leastPerSecond]  mails
 * @property {number} [mostMemoryMb]  of the engine, at its peak
 * @property {number} [mostSecondsToFanOut]  from the run's start until every delivery is prepared, while nothing is sent
 * @property {{ times: number, of: string }} [mostCost]  time per mail, compared with another case
 */
/**
 * A measured case, as it is reported.
 * @typedef {object} Row
 * @property {string} case
 * @property {number} recipients
 * @property {number} sessions
 * @property {number} mails_per_s  from the run's start to the last answer recorded
 * @property {number} limit_per_s  what the mail server takes from a client that does nothing but send
 * @property {number} ratio_to_limit
 * @property {number} peak_rss_mb
 * @property {number} reply_delay_ms
 * @property {number} prepared_s  from the run's start until every delivery was prepared, beside the sending
 * @property {number} [fan_out_s]  the same while nothing is sent
 * @property {{ engine: number, postgres: number, sink: number }} us_per_mail  processor time
 */

/**
 * @param {Case[]} cases
 * @param {Row[]} rows  of those that could be measured
 */
export function complaints(cases, rows) {
  return cases.flatMap(({ name, promises }) => {
    const row = rows.find((other) => other.case === name);
    return row ? broken(promises, row, rows).map((what) => `${name}: ${what}`) : [];
  });
}

/**
 * @param {Promises} promises
 * @param {Row} row
 * @param {Row[]} rows
 */
function broken(promises, row, rows) {
  const { leastOfLimit = 0, leastPerSecond = 0 } = promises;
  const { mostMemoryMb = Infinity, mostSecondsToFanOut = Infinity, mostCost } = promises;
  const other = rows.find((one) => one.case === mostCost?.of); // alone, a case has nothing to be compared with
  const cost = other ? other.mails_per_s / row.mails_per_s : 0;
  return [
    least(row.ratio_to_limit, leastOfLimit, "of the mail server's limit"),
    least(row.mails_per_s, leastPerSecond, 'mails per second'),
    most(row.peak_rss_mb, mostMemoryMb, 'MB of memory'),
    most(row.fan_out_s ?? 0, mostSecondsToFanOut, 'seconds until all was prepared'),
    most(cost, mostCost?.times ?? Infinity, `times the cost per mail of ${mostCost?.of}`),
  ].flatMap((complaint) => complaint ?? []);
}

/**
 * @param {number} value
 * @param {number} bound
 * @param {string} what
 */
function least(value, bound, what) {
  return value < bound ? `${value} ${what}, and not ${bound} at least` : undefined;
}

/**
 * @param {number} value
 * @param {number} bound
 * @param {string} what
 */
function most(value, bound, what) {
  return value > bound ? `${value} ${what}, and not ${bound} at most` : undefined;
}
