// Languages: which one is on, loading its texts, Russian plurals.
import { createI18n } from 'vue-i18n';

/** @typedef {'ru' | 'en'} Language */

/** Each is called by its own name, whatever language is on. @type {Record<Language, string>} */
export const LANGUAGES = { ru: 'Русский', en: 'English' };

const STORED = 'dispatch.language';
const loaders = { ru: () => import('./ru/index.js'), en: () => import('./en/index.js') };

export const i18n = createI18n({
  legacy: false,
  locale: 'en',
  fallbackLocale: false,
  messages: {},
  pluralRules: { ru: russianPlural },
});

/**
 * Three forms: 1 письмо, 2 письма, 5 писем.
 * @param {number} n
 */
export function russianPlural(n) {
  const [tens, units] = [n % 100, n % 10];
  if (units === 1 && tens !== 11) return 0;
  return units >= 2 && units <= 4 && (tens < 12 || tens > 14) ? 1 : 2;
}

/** The language chosen here before, else the browser's. @returns {Language} */
export function preferredLanguage() {
  const stored = localStorage.getItem(STORED);
  if (stored === 'ru' || stored === 'en') return stored;
  return navigator.language.toLowerCase().startsWith('ru') ? 'ru' : 'en';
}

/** @param {Language} language */
export async function setLanguage(language) {
  const { default: texts } = await loaders[language]();
  i18n.global.setLocaleMessage(language, texts);
  // Typed by the messages given at creation, of which there are none.
  /** @type {import('vue').Ref<string>} */ (/** @type {unknown} */ (i18n.global.locale)).value = language;
  document.documentElement.lang = language;
  localStorage.setItem(STORED, language);
}

/** @returns {Language} */
export function currentLanguage() {
  return document.documentElement.lang === 'ru' ? 'ru' : 'en';
}
