// A letter on paper: what is shown of it, and what its frame lets it do.
import { createApp, h } from 'vue';
import { expect, it } from 'vitest';

import LetterPaper from '../src/ui/LetterPaper.vue';

/** @param {{html?: string, text?: string, followed?: boolean}} props */
function shown(props) {
  const place = document.createElement('div');
  const letter = { title: 'Letter', empty: 'Nothing', ...props };
  createApp({ render: () => h(LetterPaper, letter, () => 'Subject') }).mount(place);
  return place;
}

it('HTML is shown in a frame where it can run and reach nothing', () => {
  const frame = shown({ html: '<p>Hello', text: 'Hello' }).querySelector('iframe');
  expect(frame?.getAttribute('sandbox')).toBe('');
  expect(frame?.getAttribute('srcdoc')).toBe('<p>Hello');
});

it('links that are followed open a tab of their own, and nothing more is let out', () => {
  const html = '<!doctype html><base target="_self"><a href="https://example.org">x</a>';
  const frame = shown({ html, followed: true }).querySelector('iframe');
  expect(frame?.getAttribute('sandbox')?.split(' ').sort()).toEqual(['allow-popups', 'allow-popups-to-escape-sandbox']);
  expect(frame?.getAttribute('srcdoc')).toBe(`<base target="_blank">${html}`);
});

it('without HTML the text is shown letter by letter, and without both that there is nothing', () => {
  expect(shown({ text: 'a <b>\n  c' }).querySelector('pre')?.textContent).toBe('a <b>\n  c');
  const empty = shown({});
  expect(empty.querySelector('iframe, pre')).toBeNull();
  expect(empty.textContent).toBe('SubjectNothing');
});
