// Looking a page over: accessible in both themes, no sideways scrolling from phone to large screen, nothing left untranslated,
// no request to another host.
import AxeBuilder from '@axe-core/playwright';
import { expect } from '@playwright/test';

import { openSettled, unansweredBy } from './settled.js';
import { untranslatedOn } from './words.js';

/** @typedef {import('@playwright/test').Page} Page */

const THEMES = /** @type {const} */ (['light', 'dark']);
const WIDTHS = [360, 768, 1280, 1920];
/** @type {WeakMap<Page, string[]>} */
const foreign = new WeakMap();

/** A page of somebody new that remembers every request to another host. @param {import('@playwright/test').Browser} browser @param {string} [baseURL] */
export async function watchedPage(browser, baseURL = '') {
  const context = await browser.newContext({ locale: 'ru-RU', timezoneId: 'Europe/Moscow', reducedMotion: 'reduce' });
  const page = await context.newPage();
  unansweredBy(page);
  const own = new URL(baseURL).origin;
  /** @type {string[]} */
  const asked = [];
  foreign.set(page, asked);
  page.on('request', (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol.startsWith('http') && origin !== own) asked.push(request.url());
  });
  return page;
}

/** What a watched page has asked of other hosts. @param {Page} page */
export const foreignTo = (page) => foreign.get(page);

/** @param {Page} page @param {string} where */
export async function checkAccessibility(page, where) {
  // A frame without scripts cannot be looked into; what it shows is the author's. Without frames the legacy mode finds the same
  // and opens no second page for it.
  const axe = new AxeBuilder({ page })
    .exclude('iframe')
    .setLegacyMode()
    .options({ resultTypes: ['violations'] });
  const { violations } = await axe.analyze();
  const bad = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  expect(
    bad.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target).join(' | ')}`),
    where,
  ).toEqual([]);
}

/** @param {Page} page @param {string} where */
export async function checkThemes(page, where) {
  for (const theme of THEMES) {
    await page.evaluate((value) => (document.documentElement.dataset.bsTheme = value), theme);
    await checkAccessibility(page, `${where} ${theme}`);
  }
}

/** @param {Page} page @param {string} where */
export async function checkWidths(page, where) {
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 800 });
    const beyond = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(beyond, `${where} at ${width} px`).toBeLessThanOrEqual(0);
  }
  await page.setViewportSize({ width: 1280, height: 800 });
}

/** @param {Page} page @param {string[]} paths */
export async function checkAll(page, paths) {
  for (const path of paths) {
    await openSettled(page, path);
    expect(await untranslatedOn(page), path).toEqual([]);
    await checkWidths(page, path);
    await checkThemes(page, path);
  }
}
