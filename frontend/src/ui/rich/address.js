// What an author may mean by the address of a link or a picture.

const SCHEMES = { link: /^(?:https?:\/\/[^\s/]|mailto:\S|tel:\S)/i, image: /^https?:\/\/[^\s/]/i };
const PLAIN_MAIL = /^[^\s@/:]+@[^\s@/]+\.[^\s@/]+$/;
const PLAIN_HOST = /^[^\s@/:]+\.[^\s@/:.]{2,}(?::\d+)?(?:[/?#]\S*)?$/;

/**
 * The address as it goes into the HTML; null when it is none. A placeholder stands for a whole address.
 * @param {string} text
 * @param {'link' | 'image'} use
 * @returns {string | null}
 */
export function addressOf(text, use) {
  const address = text.trim();
  if (/^\{\{[^{}]+\}\}$/.test(address) || SCHEMES[use].test(address)) return address;
  if (use === 'link' && PLAIN_MAIL.test(address)) return `mailto:${address}`;
  return PLAIN_HOST.test(address) ? `https://${address}` : null;
}
