// What a browser calls itself, in the two words people know it by. Many claim to be others: the order decides.

/** @typedef {[RegExp, string]} Rule */

/** @type {Rule[]} */
const BROWSERS = [
  [/\bEdgA?\//, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/\bYaBrowser\//, 'Yandex Browser'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\b(?:Chrome|CriOS|Chromium|HeadlessChrome)\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
];
/** @type {Rule[]} */
const SYSTEMS = [
  [/\b(?:iPhone|iPod)\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b/, 'macOS'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bLinux\b/, 'Linux'],
];
const HAND_HELD = ['iPhone', 'iPad', 'Android'];

/** @param {string} text @param {Rule[]} rules */
const first = (text, rules) => rules.find(([sign]) => sign.test(text))?.[1] ?? '';

/**
 * `Firefox, Windows`; empty when it is none of those known.
 * @param {string} userAgent
 */
export function describeAgent(userAgent) {
  const system = first(userAgent, SYSTEMS);
  const name = [first(userAgent, BROWSERS), system].filter(Boolean).join(', ');
  return { name, handHeld: HAND_HELD.includes(system) };
}
