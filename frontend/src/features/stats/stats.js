// Statistics: periods of the address bar as the API takes them, asking for numbers and for files.
import { computed } from 'vue';
import { useI18n } from 'vue-i18n';

import { api, ask } from '../../api/client.js';
import { periodOf } from '../../ui/period.js';
import { localToUtc, utcToLocal } from '../../ui/zone.js';

/** @typedef {import('../../ui/list.js').Query} Query */
/** @typedef {NonNullable<Api.Paths['/api/v1/stats']['get']['parameters']['query']>} StatsQuery */

/** How many days, today counted in; `own` is chosen by days. */
export const PERIODS = /** @type {const} */ (['7', '30', '90', '365', 'own']);
const DAY_MS = 86_400_000;
const LONGEST = 366;

/** The day so many days before today, on the zone's calendar. @param {number} before @param {string} zone */
export function dayBefore(before, zone) {
  const today = Date.parse(utcToLocal(Date.now(), zone).slice(0, 10));
  return new Date(today - before * DAY_MS).toISOString().slice(0, 10);
}

/** The first and the last day of a period. @param {Query} filters @param {string} zone */
export function daysOf({ period, from, to }, zone) {
  if (period === 'own') return { from: from || dayBefore(29, zone), to: to || dayBefore(0, zone) };
  return { from: dayBefore(Number(period) - 1, zone), to: dayBefore(0, zone) };
}

/** Whether the API would take it. @param {Query} filters @param {string} zone */
export function isPeriod(filters, zone) {
  const { from, to } = daysOf(filters, zone);
  const days = (Date.parse(to) - Date.parse(from)) / DAY_MS + 1;
  return days >= 1 && days <= LONGEST;
}

/** @param {Query} filters @param {string} zone @returns {StatsQuery} */
export function statsQuery(filters, zone) {
  const owner_id = Number(filters.owner_id) || 0;
  return { ...periodOf(daysOf(filters, zone), zone), time_zone: zone, ...(owner_id ? { owner_id } : {}) };
}

/** The last days up to now. @param {number} days @param {string} zone @returns {StatsQuery} */
export function lastDays(days, zone) {
  const from = localToUtc(`${dayBefore(days - 1, zone)}T00:00`, zone);
  return { time_zone: zone, ...(from ? { from } : {}) };
}

/** @param {StatsQuery} query @param {AbortSignal} [signal] @returns {Promise<Api.Stats>} */
export const fetchStats = (query, signal) =>
  ask(api.GET('/api/v1/stats', { params: { query }, ...(signal ? { signal } : {}) }));

/**
 * A file of the API.
 * @param {'/api/v1/stats.csv' | '/api/v1/stats/mailings.csv' | '/api/v1/attempts.csv'} path
 * @param {object} query
 * @returns {Promise<Blob>}
 */
export async function fetchFile(path, query) {
  const options = /** @type {any} */ ({ params: { query }, parseAs: 'blob' });
  return /** @type {Promise<any>} */ (ask(api.GET(path, options)));
}

/** Names of days, whatever the zone: 21 Nov. */
export function useDayNames() {
  const { locale } = useI18n();
  const format = computed(
    () => new Intl.DateTimeFormat(locale.value, { day: 'numeric', month: 'short', timeZone: 'UTC' }),
  );
  return (/** @type {string} */ day) => format.value.format(new Date(day));
}
