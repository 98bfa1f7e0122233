// What a time zone is called in a sentence: by its city, in the reader's language where the browser knows it.

/**
 * `Moscow`, `Москва`; in English the city as the zone's own name has it.
 * @param {string} zone
 * @param {string} language
 */
export function zoneName(zone, language) {
  const city = zone.split('/').at(-1)?.replaceAll('_', ' ') ?? zone;
  if (language === 'en' || zone === 'UTC') return city;
  // `Москва, стандартное время`: what stands before the comma.
  const parts = new Intl.DateTimeFormat(language, { timeZone: zone, timeZoneName: 'longGeneric' }).formatToParts();
  const [name = ''] = (parts.find(({ type }) => type === 'timeZoneName')?.value ?? '').split(',');
  return /\d/.test(name) || !name ? city : name;
}
