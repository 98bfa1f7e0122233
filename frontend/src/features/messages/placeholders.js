// The placeholders of a message, and what putting one in writes.

/** As the server's templates know them. */
export const placeholders = /** @type {const} */ ({
  full_name: '{{ full_name }}',
  email: '{{ email }}',
  view_url: '{{ view_url }}',
  unsubscribe_url: '{{ unsubscribe_url }}',
});

/** @typedef {keyof typeof placeholders} Placeholder */

/**
 * An address alone is no link in HTML: it becomes one, unless it is put inside a tag.
 * @param {Placeholder} name
 * @param {'subject' | 'html' | 'text'} part
 * @param {string} before what stands before the cursor
 * @param {string} words what the link says
 */
export function insertion(name, part, before, words) {
  const insideTag = before.lastIndexOf('<') > before.lastIndexOf('>');
  const isLink = name.endsWith('_url') && part === 'html' && !insideTag;
  return isLink ? `<a href="${placeholders[name]}">${words}</a>` : placeholders[name];
}
