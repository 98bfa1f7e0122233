// Wall clocks and moments: what an `<input type="datetime-local">` says in a time zone, as UTC, and back. No library: Intl knows the zones.

const DAY = 86_400_000;
const MINUTE = 60_000;
/** @type {Map<string, Intl.DateTimeFormat>} */
const clocks = new Map();

/** The zone this browser is set to. */
export const browserZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** All zones the browser knows, UTC first. @returns {string[]} */
export function allZones() {
  return ['UTC', ...Intl.supportedValuesOf('timeZone').filter((zone) => zone !== 'UTC')];
}

/** @param {string} zone */
function clockOf(zone) {
  const known = clocks.get(zone);
  if (known) return known;
  const digits = /** @type {const} */ ({
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  const clock = new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', ...digits });
  clocks.set(zone, clock);
  return clock;
}

/**
 * How far the zone's clock is ahead of UTC at a moment, in milliseconds.
 * @param {number} moment
 * @param {string} zone
 */
function offsetAt(moment, zone) {
  const parts = Object.fromEntries(
    clockOf(zone)
      .formatToParts(moment)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(moment / 1000) * 1000;
}

/**
 * `2026-03-29T02:30` on the zone's clocks as a UTC moment; null when it is no time at all. As the server does: a time
 * that spring skips moves forward by the gap, one that autumn repeats is its first moment.
 * @param {string} local
 * @param {string} zone
 * @returns {string | null}
 */
export function localToUtc(local, zone) {
  const wall = Date.parse(`${local}Z`);
  if (Number.isNaN(wall)) return null;
  const early = wall - offsetAt(wall - DAY, zone);
  const late = wall - offsetAt(wall + DAY, zone);
  const isOnClock = (/** @type {number} */ moment) => moment + offsetAt(moment, zone) === wall;
  return new Date(!isOnClock(early) && isOnClock(late) ? late : early).toISOString();
}

/**
 * A moment as the zone's clocks show it, to the minute: `2026-03-29T03:30`.
 * @param {string | number} moment
 * @param {string} zone
 */
export function utcToLocal(moment, zone) {
  const time = new Date(moment).getTime();
  return new Date(time + offsetAt(time, zone)).toISOString().slice(0, 16);
}

/** This minute's beginning, UTC. */
export const thisMinute = () => new Date(Math.floor(Date.now() / MINUTE) * MINUTE).toISOString();

/**
 * `UTC+03:00`, at a moment.
 * @param {string} zone
 * @param {number} [moment]
 */
export function offsetName(zone, moment = Date.now()) {
  const minutes = Math.round(offsetAt(moment, zone) / MINUTE);
  const [sign, size] = [minutes < 0 ? '−' : '+', Math.abs(minutes)];
  const two = (/** @type {number} */ n) => String(n).padStart(2, '0');
  return `UTC${sign}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}
