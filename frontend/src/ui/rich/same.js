// Whether two pieces of HTML say the same: elements, attributes, comments, words, and templates letter by letter.
// White space counts only where a reader sees it.

/** What the server's templates are made of; a browser takes them for words. */
export const TEMPLATE = /\{\{[\s\S]*?\}\}|\{%[\s\S]*?%\}|\{#[\s\S]*?#\}/g;
/** A browser adds these where they are missing: only the source tells whether they were written. */
const FRAME = /<(?:!doctype|html|head|body)\b/gi;
const SPACE = /[ \t\n\f\r]+/g;
const BLOCK =
  'address|article|aside|blockquote|body|br|caption|center|col|colgroup|dd|div|dl|dt|figcaption|figure|footer|form|h[1-6]|head|header|hr|html|li|main|meta|nav|ol|p|pre|section|style|table|tbody|td|tfoot|th|thead|title|tr|ul';
const AROUND_BLOCKS = new RegExp(` ?(</?(?:${BLOCK})(?: [^>]*)?>) ?`, 'g');

/** @param {string} html */
const read = (html) => new DOMParser().parseFromString(html, 'text/html');
/** @param {string} text */
const escaped = (text) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);

/** @param {Element} element */
const attributesOf = (element) => [...element.attributes].sort((a, b) => (a.name < b.name ? -1 : 1));

/** One way of writing for all that is read alike. @param {Node} node @param {boolean} exact white space counts @returns {string} */
function written(node, exact) {
  if (node.nodeType === Node.COMMENT_NODE) return `<!--${escaped(node.nodeValue ?? '')}-->`;
  if (node.nodeType === Node.TEXT_NODE) {
    const text = escaped(node.nodeValue ?? '');
    return exact ? text.replace(/\s/g, (space) => `&#${space.charCodeAt(0)};`) : text.replace(SPACE, ' ');
  }
  const name = node.nodeName.toLowerCase();
  const inside = [...node.childNodes].map((child) => written(child, exact || name === 'pre')).join('');
  if (!(node instanceof Element)) return inside;
  const attributes = attributesOf(node).map((one) => ` ${one.name}="${escaped(one.value)}"`);
  return `<${name}${attributes.join('')}>${inside}</${name}>`;
}

/** @param {string} html */
function essence(html) {
  const tree = written(read(html), false).replace(AROUND_BLOCKS, '$1').replace(SPACE, ' ');
  const frame = (html.match(FRAME) ?? []).map((tag) => tag.toLowerCase());
  return JSON.stringify([tree.replace(AROUND_BLOCKS, '$1'), frame, html.match(TEMPLATE)]);
}

/** @param {string} one @param {string} other */
export const sameHtml = (one, other) => essence(one) === essence(other);

/** What a piece of HTML is made of, as its author calls it, and how often. @param {string} html */
function piecesOf(html) {
  /** @type {Map<string, number>} */
  const pieces = new Map();
  const count = (/** @type {string} */ name) => pieces.set(name, (pieces.get(name) ?? 0) + 1);
  const tree = read(html);
  for (const tag of html.match(FRAME) ?? []) count(`${tag.toLowerCase()}>`);
  for (const element of tree.querySelectorAll('*')) {
    const name = element.nodeName.toLowerCase();
    if (!['html', 'head', 'body'].includes(name)) count(`<${name}>`);
    for (const attribute of element.attributes) count(`${attribute.name}="…"`);
  }
  if (html.includes('<!--')) count('<!-- -->');
  for (const code of html.match(TEMPLATE) ?? []) count(code);
  return pieces;
}

/** What `before` has more of than `after`. @param {string} before @param {string} after */
export function missingFrom(before, after) {
  const left = piecesOf(after);
  return [...piecesOf(before)].filter(([name, times]) => times > (left.get(name) ?? 0)).map(([name]) => name);
}
