// Rich text and HTML: what comes back as it went in, what is told to be lost, and addresses.
import { expect, it } from 'vitest';

import { addressOf } from '../src/ui/rich/address.js';
import { docOf, htmlOf, lossesOf } from '../src/ui/rich/rich.js';
import { sameHtml } from '../src/ui/rich/same.js';

/** What somebody gets who opens the HTML as rich text and saves it. @param {string} html */
const throughRich = (html) => htmlOf(docOf(html));

const KEPT = [
  '',
  '<p>Hello, {{ full_name }}!</p>',
  '<p>Hello, {{ full_name | default("friend") }}!</p>',
  '<p>{% if full_name %}Dear {{ full_name }}{% else %}Hello{% endif %},</p>',
  '<p>{{ full_name | default("2 > 1 & more") }}</p>',
  '<p><a href="{{ unsubscribe_url }}">Unsubscribe</a></p>',
  '<p><a href="https://example.org/?a=1&amp;b=2">Link</a> and <strong>bold</strong>, <em>italic</em></p>',
  '<h1>One</h1>\n<h2>Two</h2>\n<p>Three<br>four</p>\n<h3>Five</h3>',
  '<ul>\n<li>One</li>\n<li>Two<ul>\n<li>Two and a half</li>\n</ul></li>\n</ul>',
  '<ol>\n<li>One</li>\n<li>Two</li>\n</ol>\n<blockquote><p>Quote</p></blockquote>\n<hr>',
  '<p><img src="https://example.org/a.png" alt="A picture"></p>',
  '<p>An empty line follows</p>\n<p><br></p>\n<p>and is kept.</p>',
  '<p>10&nbsp;000&nbsp;₽ &lt; 20&nbsp;000&nbsp;₽</p>',
  '<pre><code>a  b\n  c</code></pre>',
];

it.each(KEPT)('rich text gives back letter by letter: %s', (html) => {
  expect(throughRich(html)).toBe(html);
  expect(lossesOf(html)).toBeNull();
});

it('indents and line ends between elements are no reason to refuse rich text', () => {
  expect(lossesOf('\n<h1>\n  News\n</h1>\n<p>\n  Of the\n  week</p>\n<ul>\n  <li>One</li>\n</ul>\n')).toBeNull();
});

it.each([
  ['<table><tr><td>Cell</td></tr></table>', '<td>'],
  ['<style>p { color: red }</style><p>Text</p>', '<style>'],
  ['<p style="color: red">Text</p>', 'style="…"'],
  ['<div class="box"><p>Text</p></div>', '<div>'],
  ['<!doctype html><html><body><p>Text</p></body></html>', '<!doctype>'],
  ['<p>Text</p><!-- for Outlook -->', '<!-- -->'],
  ['<p>Text</p><script>alert(1)</script>', '<script>'],
  ['<p><b>Bold</b></p>', '<b>'],
  ['<p><a href="javascript:alert(1)">Link</a></p>', '<a>'],
  ['<p {% if full_name %}class="known"{% endif %}>Text</p>', '{% if full_name %}'],
])('rich text says what it would lose of %s', (html, piece) => {
  expect(lossesOf(html)).toContain(piece);
});

it('a template between elements, which rich text would wrap, is told apart', () => {
  expect(lossesOf('{% if full_name %}<p>Text</p>{% endif %}')).not.toBeNull();
  expect(lossesOf('Text without any element')).not.toBeNull();
});

it('what rich text has once written it keeps from then on', () => {
  const foreign =
    '<div>One<b>two</b></div><table><tr><td>three</td></tr></table>text<img src="https://a.example/b.png">';
  const written = throughRich(foreign);
  expect(throughRich(written)).toBe(written);
  expect(lossesOf(written)).toBeNull();
});

it('two pieces of HTML are the same when they are read alike', () => {
  expect(sameHtml('<p class="a" id="b">x</p>', "<P id=b  class='a'>x</p>\n")).toBe(true);
  expect(sameHtml('<p>one two</p>', '<p>one\n  two</p>')).toBe(true);
  expect(sameHtml('<p>one two</p>', '<p>onetwo</p>')).toBe(false);
  expect(sameHtml('<p>one<em> two</em></p>', '<p>one<em>two</em></p>')).toBe(false);
  expect(sameHtml('<pre>a  b</pre>', '<pre>a b</pre>')).toBe(false);
  expect(sameHtml('<p>a&nbsp;b</p>', '<p>a b</p>')).toBe(false);
  expect(sameHtml('<p>{% if a < b %}x{% endif %}</p>', '<p>{% if a &lt; b %}x{% endif %}</p>')).toBe(false);
});

it('an address is completed or refused, never guessed from a script', () => {
  expect(addressOf(' https://example.org/a?b=1 ', 'link')).toBe('https://example.org/a?b=1');
  expect(addressOf('example.org/news', 'link')).toBe('https://example.org/news');
  expect(addressOf('anna@example.org', 'link')).toBe('mailto:anna@example.org');
  expect(addressOf('{{ unsubscribe_url }}', 'link')).toBe('{{ unsubscribe_url }}');
  for (const bad of ['', 'javascript:alert(1)', 'data:text/html,x', 'two words', 'word', 'https://']) {
    expect(addressOf(bad, 'link'), bad).toBeNull();
  }
  expect(addressOf('mailto:anna@example.org', 'image')).toBeNull();
  expect(addressOf('data:image/png;base64,AA', 'image')).toBeNull();
});
