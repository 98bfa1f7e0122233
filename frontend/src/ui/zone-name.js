// The display name of a time zone: its city, in the user's language if the browser supports it.

/**
 * `Moscow`, `Москва`; in English the city from the zone's IANA name.
 * @param {string} zone
 * @param {string} language
 */
export function zoneName(zone, language) {
  const city = zone.split('/').at(-1)?.replaceAll('_', ' ') ?? zone;
  if (language === 'en' || zone === 'UTC') return city;
  // `Москва, стандартное время`: the part before the comma.
  const parts = new Intl.DateTimeFormat(language, { timeZone: zone, timeZoneName: 'longGeneric' }).formatToParts();
  const [name = ''] = (parts.find(({ type }) => type === 'timeZoneName')?.value ?? '').split(',');
  return /\d/.test(name) || !name ? city : name;
}
