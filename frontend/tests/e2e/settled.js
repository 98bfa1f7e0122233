// Waiting for a page as its reader does: the heading is there, nothing says that it is loading, all that was asked for has come.
import { expect } from '@playwright/test';

/** @typedef {import('@playwright/test').Page} Page */

/** Goes on for as long as somebody looks: waiting for its end would be waiting for the mailing's. */
const STREAM = /^\/api\/v1\/mailings\/\d+\/live$/;
const LOADING = '.placeholder-glow, [aria-busy="true"]';

/** @type {WeakMap<Page, Set<import('@playwright/test').Request>>} */
const asking = new WeakMap();

/** What a page has asked for and not been given yet, from the first call on. @param {Page} page */
export function unansweredBy(page) {
  const known = asking.get(page);
  if (known) return known;
  /** @type {Set<import('@playwright/test').Request>} */
  const unanswered = new Set();
  asking.set(page, unanswered);
  page.on('request', (request) => {
    if (!STREAM.test(new URL(request.url()).pathname)) unanswered.add(request);
  });
  page.on('requestfinished', (request) => unanswered.delete(request));
  page.on('requestfailed', (request) => unanswered.delete(request));
  return unanswered;
}

/** Two frames: what has come is drawn, and what it asks for in its turn is asked. @param {Page} page */
const drawn = (page) =>
  page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));

/** @param {Page} page */
export async function settled(page) {
  const unanswered = unansweredBy(page);
  await expect(page.getByRole('heading', { level: 1 }).first()).toBeVisible();
  const left = async () => {
    const before = unanswered.size;
    await drawn(page);
    return before + unanswered.size + (await page.locator(LOADING).count());
  };
  await expect.poll(left, { message: `${page.url()} has loaded`, intervals: [20, 50, 100] }).toBe(0);
}

/**
 * Follows a link and waits until its page is there: the page before takes no input any more, and may have fields of the same
 * name. What is done next is done on the page that the link leads to.
 * @param {import('@playwright/test').Locator} link
 */
export async function follow(link) {
  const page = link.page();
  unansweredBy(page);
  const { pathname, search } = new URL((await link.getAttribute('href')) ?? '', page.url());
  await link.click();
  await expect(page).toHaveURL((url) => url.pathname + url.search === pathname + search);
  await settled(page);
}

/** @param {Page} page @param {string} path */
export async function openSettled(page, path) {
  unansweredBy(page);
  await page.goto(path);
  await settled(page);
}
