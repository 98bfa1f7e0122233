// E-mail addresses as users read them. The API returns domains as A-labels.
import { toUnicode } from 'punycode/punycode.es6.js';

/** The address with its domain in Unicode; unchanged if it cannot be decoded. @param {string} email */
export function shownEmail(email) {
  try {
    return toUnicode(email);
  } catch {
    return email;
  }
}
