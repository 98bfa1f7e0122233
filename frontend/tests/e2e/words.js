// What a page says, looked through for words that were not translated: keys in place of texts, English among Russian.
import { readFileSync, readdirSync } from 'node:fs';

const TEXTS = new URL('../../src/i18n/', import.meta.url);

/** @param {'ru' | 'en'} language @returns {Record<string, any>} */
function textsOf(language) {
  const folder = new URL(`${language}/`, TEXTS);
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return Object.assign({}, ...files.map((name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8'))));
}

/** @param {any} texts @returns {string[]} */
const flat = (texts) => (typeof texts === 'string' ? [texts] : Object.values(texts).flatMap(flat));

const english = textsOf('en');
const russian = new Set(flat(textsOf('ru')));
/** Whole English texts that no Russian one equals; those with something put in are not met as they stand. */
const foreign = new Set(flat(english).filter((text) => !russian.has(text) && !/[{|]/.test(text)));
/** A key that has no text is shown itself. */
const KEY = new RegExp(`(?:^|\\s)(?:${Object.keys(english).join('|')})(?:\\.[a-z]\\w*)+(?:\\s|$)`);

/** Everything a reader of the page sees or hears. @param {import('@playwright/test').Page} page @returns {Promise<string[]>} */
const saidBy = (page) =>
  page.evaluate(() => {
    const words = ['aria-label', 'title', 'placeholder', 'alt'];
    const attributes = [...document.body.querySelectorAll('*')].flatMap((one) =>
      words.map((name) => one.getAttribute(name) ?? ''),
    );
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const texts = [];
    while (walker.nextNode()) {
      const { parentElement, nodeValue } = walker.currentNode;
      if (!parentElement?.closest('script, style, [lang="en"]')) texts.push(nodeValue ?? '');
    }
    return [document.title, ...attributes, ...texts].map((text) => text.trim()).filter(Boolean);
  });

/** What a Russian page says in other words than Russian ones. @param {import('@playwright/test').Page} page */
export const untranslatedOn = async (page) =>
  (await saidBy(page)).filter((text) => KEY.test(text) || foreign.has(text));
