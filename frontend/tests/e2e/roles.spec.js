// Each role in both languages: every entry of its menu opens, marks itself, asks for nothing that is refused, says nothing
// in the machine's own words.
import fs from 'node:fs';

import { expect, test } from './test.js';

import { follow, unansweredBy } from './settled.js';
import {
  accessToken,
  addRecipient,
  call,
  giveRole,
  mailNow,
  newAddress,
  signIn,
  signUpAndIn,
  writeMessage,
} from './support.js';

test.use({ locale: 'ru-RU', timezoneId: 'Europe/Moscow' });

const TEXTS = new URL('../../src/i18n/en/', import.meta.url);
/** The first words of all keys of the texts. */
const TOPICS = fs
  .readdirSync(TEXTS)
  .filter((file) => file.endsWith('.json'))
  .flatMap((file) => Object.keys(JSON.parse(fs.readFileSync(new URL(file, TEXTS), 'utf8'))));
const KEY = new RegExp(`(?<![\\w@./-])(${TOPICS.join('|')})(\\.[a-z][a-z_]*)+(?![\\w@/-])`);

/** What each sees in the menu, and what not; there may be more. */
const MENUS = /** @type {const} */ ({
  user: { shown: ['/mailings', '/mailings/new', '/recipients', '/log', '/profile'], hidden: ['/users', '/events'] },
  manager: { shown: ['/mailings', '/recipients', '/log', '/users', '/events', '/profile'], hidden: ['/mailings/new'] },
  admin: { shown: ['/mailings', '/mailings/new', '/recipients', '/log', '/users', '/events', '/profile'], hidden: [] },
});

/** Faults that nobody sees: refused or broken calls, complaints in the console. @param {import('@playwright/test').Page} page */
function listen(page) {
  /** @type {string[]} */
  const faults = [];
  unansweredBy(page);
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) faults.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  page.on('response', (response) => {
    if (response.status() >= 400) faults.push(`${response.status()} ${response.url()}`);
  });
  return faults;
}

/** All that is read or read out. @param {import('@playwright/test').Page} page */
const wordsOf = (page) =>
  page.evaluate(() => {
    const spoken = ['aria-label', 'title', 'placeholder', 'alt'];
    const named = [...document.querySelectorAll(spoken.map((name) => `[${name}]`).join())];
    const names = named.flatMap((element) => spoken.map((name) => element.getAttribute(name) ?? ''));
    return [document.title, document.body.innerText, ...names].join('\n');
  });

/**
 * Opens every entry of the menu, one after the other.
 * @param {import('@playwright/test').Page} page
 * @param {string[]} faults
 */
async function walk(page, faults) {
  const menu = page.getByRole('navigation').first();
  const links = await menu.getByRole('link').all();
  const paths = await Promise.all(links.map(async (link) => (await link.getAttribute('href')) ?? ''));
  for (const path of paths) {
    await follow(menu.locator(`a[href="${path}"]`));
    const current = await menu
      .locator('[aria-current="page"]')
      .evaluateAll((all) => all.map((one) => one.getAttribute('href')));
    expect(current, path).toEqual([path]);
    expect((await wordsOf(page)).match(KEY)?.[0] ?? '', `a key instead of a text on ${path}`).toBe('');
    expect(faults, path).toEqual([]);
  }
  return paths;
}

test.describe.configure({ mode: 'serial' });

test('somebody has sent something, to be looked at by all', async ({ page }) => {
  const subject = `Сводка ${newAddress('n').split('@')[0]}`;
  await signUpAndIn(page, newAddress('olga'));
  await page.goto('/recipients');
  await addRecipient(page, { email: newAddress('reader'), name: 'Читатель' });
  await addRecipient(page, { email: newAddress('refused..by.the.catcher'), name: 'Пётр' });
  await writeMessage(page, subject);
  await mailNow(page, subject);
  await expect(page.getByText('Завершена')).toBeVisible({ timeout: 30_000 });
  const faults = listen(page);
  await walk(page, faults);
});

for (const role of /** @type {const} */ (['user', 'manager', 'admin'])) {
  test(`a ${role} finds every screen of the menu in order, in both languages`, async ({ page }) => {
    test.setTimeout(180_000);
    const email = newAddress(role);
    await signUpAndIn(page, email);
    if (role !== 'user') {
      await giveRole(email, role);
      await page.goto('/sign-in');
      await signIn(page, email);
    }
    const faults = listen(page);
    const paths = await walk(page, faults);
    expect(paths).toEqual(expect.arrayContaining([...MENUS[role].shown]));
    for (const path of MENUS[role].hidden) expect(paths).not.toContain(path);

    const token = await accessToken(email);
    expect((await call('PATCH', '/me', { token, body: { language: 'en' } })).status).toBe(200);
    await page.goto('/dashboard');
    await expect(page.getByRole('navigation', { name: 'Main menu' })).toBeVisible();
    expect(await walk(page, faults)).toEqual(paths);
  });
}
