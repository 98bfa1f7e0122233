// Rich text: what the editor can hold, how HTML gets in and out of it, and what it would lose. Loaded with the editor only.
import { Extension, getSchema } from '@tiptap/core';
import Image from '@tiptap/extension-image';
import { DOMSerializer, DOMParser as Reader } from '@tiptap/pm/model';
import { Plugin } from '@tiptap/pm/state';
import { Decoration, DecorationSet } from '@tiptap/pm/view';
import StarterKit from '@tiptap/starter-kit';

import { TEMPLATE, missingFrom, sameHtml } from './same.js';

/** @typedef {import('@tiptap/pm/model').Node} Doc */

/** Templates are words like others, so that none can get lost; they only look different. @param {Doc} doc */
function markTemplates(doc) {
  /** @type {Decoration[]} */
  const marks = [];
  doc.descendants((node, at) => {
    if (!node.isTextblock) return true;
    const text = node.textBetween(0, node.content.size, '', '\ufffc');
    for (const { index, 0: code } of text.matchAll(TEMPLATE)) {
      const from = at + 1 + index;
      marks.push(Decoration.inline(from, from + code.length, { class: 'rich-template' }));
    }
    return false;
  });
  return DecorationSet.create(doc, marks);
}

const Templates = Extension.create({
  name: 'templates',
  addProseMirrorPlugins: () => [new Plugin({ props: { decorations: ({ doc }) => markTemplates(doc) } })],
});

/** Shown when it is ours, else told by its words: whoever writes here asks no other host for anything. */
const Picture = Image.extend({
  addNodeView: () => (view) => {
    const { alt, src } = view.node.attrs;
    if (String(src).startsWith('/api/')) {
      const image = document.createElement('img');
      Object.assign(image, { src, alt: alt ?? '' });
      return { dom: image };
    }
    const dom = document.createElement('span');
    dom.className = 'rich-picture';
    dom.textContent = alt || src;
    dom.title = src;
    return { dom };
  },
}).configure({ inline: true, allowBase64: true });

export const extensions = [
  // A link says what its author wrote, no more; nothing is added behind the last line.
  StarterKit.configure({
    link: { openOnClick: false, autolink: false, HTMLAttributes: { target: null, rel: null } },
    trailingNode: false,
  }),
  Picture,
  Templates,
];

const schema = getSchema(extensions);

/** @param {string} html */
export function docOf(html) {
  const { body } = new DOMParser().parseFromString(html, 'text/html');
  // An empty line is written with a break, which the editor draws by itself.
  for (const line of body.querySelectorAll('p')) {
    if (line.childNodes.length === 1 && line.firstChild?.nodeName === 'BR') line.replaceChildren();
  }
  return Reader.fromSchema(schema).parse(body);
}

/** @param {Doc} doc */
export function htmlOf(doc) {
  const [first] = doc.content.content;
  if (doc.childCount < 2 && first?.type.name === 'paragraph' && !first.childCount) return '';
  // A document of its own: elements of the page would begin to load their pictures.
  const inert = document.implementation.createHTMLDocument('');
  DOMSerializer.fromSchema(doc.type.schema).serializeFragment(doc.content, { document: inert }, inert.body);
  tidy(inert.body);
  // Inside a template nothing is HTML: `{{ full_name | default("<3") }}` stays as it is.
  return inert.body.innerHTML.replace(TEMPLATE, (code) => unescaped(code));
}

/** As mail programs show it: a line of a list without a paragraph's margins, an empty line as high as others. @param {HTMLElement} body */
function tidy(body) {
  for (const line of body.querySelectorAll('li > p:first-child')) {
    const rest = [...(line.parentElement?.children ?? [])].slice(1);
    if (rest.every(({ nodeName }) => nodeName === 'UL' || nodeName === 'OL')) line.replaceWith(...line.childNodes);
  }
  for (const line of body.querySelectorAll('p')) {
    if (!line.hasChildNodes()) line.append(body.ownerDocument.createElement('br'));
  }
  // Whoever opens the source can read it.
  for (const block of [...body.children].slice(1)) block.before('\n');
  for (const line of body.querySelectorAll('li')) line.before('\n');
  for (const list of body.querySelectorAll('ul, ol')) list.append('\n');
}

const SIGNS = /** @type {Record<string, string>} */ ({ '&lt;': '<', '&gt;': '>', '&nbsp;': ' ', '&amp;': '&' });
/** @param {string} code */
const unescaped = (code) => code.replace(/&(?:lt|gt|nbsp|amp);/g, (sign) => SIGNS[sign] ?? sign);

/**
 * What would not come back from the editor as it went in: null when all would, else the names of what is lost.
 * @param {string} html
 * @returns {string[] | null}
 */
export function lossesOf(html) {
  const after = htmlOf(docOf(html));
  return sameHtml(html, after) ? null : missingFrom(html, after);
}
