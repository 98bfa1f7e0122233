// A period chosen by days, as the API takes it: moments of the user's zone.
import { localToUtc } from './zone.js';

/** The day after. @param {string} day */
function nextDay(day) {
  const date = new Date(`${day}T00:00Z`);
  if (Number.isNaN(date.getTime())) return day;
  date.setUTCDate(date.getUTCDate() + 1);
  return date.toISOString().slice(0, 10);
}

/**
 * Both days belong to what is asked for: the end is the next day's midnight.
 * @param {import('./list.js').Query} days
 * @param {string} zone
 */
export function periodOf({ from, to }, zone) {
  return {
    from: (from && localToUtc(`${from}T00:00`, zone)) || undefined,
    to: (to && localToUtc(`${nextDay(to)}T00:00`, zone)) || undefined,
  };
}
