// HTML of others in our page: what is drawn, and that nothing of it acts or asks another host.
import { createApp } from 'vue';
import { expect, it } from 'vitest';

import { momentOf, stateOf } from '../src/features/articles/articles.js';
import { safePieces } from '../src/ui/safe.js';
import SafeHtml from '../src/ui/SafeHtml.vue';

const HERE = 'https://dispatch.example';

/** @param {import('../src/ui/safe.js').Piece} piece @returns {string} */
const written = (piece) => {
  if (typeof piece === 'string') return piece;
  const attributes = Object.entries(piece.attributes).map(([name, value]) => ` ${name}="${value}"`);
  return `<${piece.name}${attributes.join('')}>${piece.children.map(written).join('')}</${piece.name}>`;
};
/** @param {string} html */
const shown = (html) => safePieces(html, HERE).map(written).join('');

it('an article keeps what it is made of', () => {
  const html =
    '<h2>Title</h2><p>Some <strong>bold</strong> and <code>a &lt; b</code></p><ol start="3"><li>three</li></ol>';
  expect(shown(html)).toBe(html.replace('&lt;', '<'));
  expect(shown('<h1>First</h1>')).toBe('<h2>First</h2>');
});

it.each([
  ['<script>alert(1)</script>a', 'a'],
  ['<style>p { color: red }</style>a', 'a'],
  ['<p onclick="alert(1)" style="color: red" class="btn" id="main">a</p>', '<p>a</p>'],
  ['<img src="/x.png" onerror="alert(1)" alt="A">', '<img src="/x.png" alt="A"></img>'],
  ['<a href="javascript:alert(1)">a</a>', '<a>a</a>'],
  ['<a href=" java\nscript:alert(1)">a</a>', '<a>a</a>'],
  ['<a href="data:text/html,x">a</a>', '<a>a</a>'],
  ['<object data="/x">a</object><noscript>b</noscript>', ''],
  ['<svg><a href="javascript:alert(1)">a</a></svg>', ''],
  ['<form action="/x"><button>a</button></form>', 'a'],
  ['<div><section>a</section></div>', 'a'],
])('%s is shown as %s', (html, expected) => {
  expect(shown(html)).toBe(expected);
});

it('a link leads elsewhere without telling where from, a picture is never fetched from elsewhere', () => {
  expect(shown('<a href="https://other.example/">a</a>')).toBe(
    '<a href="https://other.example/" rel="noopener noreferrer">a</a>',
  );
  expect(shown('<img src="https://other.example/a.png" alt="A cat">')).toBe('A cat');
  expect(shown('<img src="//other.example/a.png">')).toBe('');
  expect(shown(`<img src="${HERE}/a.png">`)).toBe(`<img src="${HERE}/a.png"></img>`);
});

it('what is drawn is text where it was text', () => {
  const element = document.createElement('div');
  const html = '<p>&lt;img src=x onerror=alert(1)&gt;</p><script>alert(1)</script>';
  createApp(SafeHtml, { html }).mount(element);
  expect(element.querySelectorAll('img, script')).toHaveLength(0);
  expect(element.textContent).toBe('<img src=x onerror=alert(1)>');
});

it('an article that is published for a later date waits for it', () => {
  const now = Date.parse('2026-03-01T00:00:00Z');
  expect(stateOf({ is_published: false, published_at: null }, now)).toBe('draft');
  expect(stateOf({ is_published: true, published_at: '2026-02-01T00:00:00Z' }, now)).toBe('published');
  expect(stateOf({ is_published: true, published_at: '2026-04-01T00:00:00Z' }, now)).toBe('scheduled');
});

it('a date of publication that was not touched keeps its seconds', () => {
  const stored = '2026-03-01T06:00:17.250Z';
  expect(momentOf('2026-03-01T09:00', 'Europe/Moscow', stored)).toBe(stored);
  expect(momentOf('2026-03-01T09:30', 'Europe/Moscow', stored)).toBe('2026-03-01T06:30:00.000Z');
  expect(momentOf('', 'Europe/Moscow', stored)).toBeNull();
});
