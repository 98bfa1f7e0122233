// HTML of others, taken apart: which elements and attributes may come into the page. The server has cleaned it already;
// this does not rely on that, and reads it where nothing can run or load.

/** Elements of text and the attributes they keep. @type {Record<string, string[]>} */
const KEPT = {
  ...Object.fromEntries(
    'b blockquote br caption code dd del dl dt em figcaption figure h2 h3 h4 h5 h6 hr i li p pre s strong sub sup table tbody thead tr u ul'
      .split(' ')
      .map((name) => [name, []]),
  ),
  a: ['href', 'title'],
  img: ['src', 'alt', 'title', 'width', 'height'],
  ol: ['start'],
  td: ['colspan', 'rowspan'],
  th: ['colspan', 'rowspan'],
};
/** Their words are no text. */
const DROPPED = ['script', 'style', 'template', 'iframe', 'noscript', 'textarea', 'title', 'svg', 'math', 'object'];
/** The page has a first heading of its own. @type {Record<string, string>} */
const RENAMED = { h1: 'h2' };

/** @typedef {string | {name: string, attributes: Record<string, string>, children: Piece[]}} Piece */

/** @param {string} address @param {string} origin */
function allowed(address, origin) {
  if (!URL.canParse(address, origin)) return {};
  const { protocol, origin: whose } = new URL(address, origin);
  return { web: /^https?:$/.test(protocol), mail: protocol === 'mailto:', own: whose === origin };
}

/** @param {string} name @param {string} attribute @param {string} value @param {string} origin */
function keeps(name, attribute, value, origin) {
  if (!KEPT[name]?.includes(attribute)) return false;
  const { web, mail, own } = attribute === 'href' || attribute === 'src' ? allowed(value, origin) : {};
  if (attribute === 'href') return Boolean(web || mail);
  return attribute !== 'src' || Boolean(web && own); // pictures come from here, or the reader would be told of elsewhere
}

/** @param {Node} node @param {string} origin @returns {Piece[]} */
function piecesOf(node, origin) {
  if (node.nodeType === Node.TEXT_NODE) return [node.nodeValue ?? ''];
  if (!(node instanceof Element)) return [];
  const given = node.nodeName.toLowerCase();
  const name = RENAMED[given] ?? given;
  if (DROPPED.includes(name)) return [];
  const children = [...node.childNodes].flatMap((child) => piecesOf(child, origin));
  if (!(name in KEPT)) return children;
  const attributes = Object.fromEntries(
    [...node.attributes].filter((one) => keeps(name, one.name, one.value, origin)).map((one) => [one.name, one.value]),
  );
  if (name === 'img' && !attributes.src) return attributes.alt ? [attributes.alt] : [];
  if (attributes.href) attributes.rel = 'noopener noreferrer';
  return [{ name, attributes, children }];
}

/**
 * What of a piece of HTML may be shown, as a tree to be drawn.
 * @param {string} html
 * @param {string} [origin] of the page
 */
export function safePieces(html, origin = location.origin) {
  const { body } = new DOMParser().parseFromString(html, 'text/html'); // inert: runs no script, loads no picture
  return [...body.childNodes].flatMap((node) => piecesOf(node, origin));
}
