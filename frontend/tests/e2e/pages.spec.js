// The pages open to all, and those of somebody who has just come: see look.js. The first one is light; a phone has a menu.
import { gzipSync } from 'node:zlib';

import { expect, test } from './test.js';

import { checkAccessibility, checkAll, foreignTo, watchedPage } from './look.js';
import { follow, openSettled } from './settled.js';
import { newAddress, signUpAndIn } from './support.js';

test.use({ locale: 'ru-RU', timezoneId: 'Europe/Moscow' });
test.describe.configure({ mode: 'serial' });

const OPEN = [
  '/',
  '/blog',
  '/blog/there-is-no-such-article',
  '/sign-up',
  '/sign-in',
  '/check-mail',
  '/confirm#token=none',
  '/forgot',
  '/reset#token=none',
  '/unsubscribe#none',
  '/letter#none',
  '/there-is-no-such-page',
];
const PROFILE = ['/profile', '/profile/security', '/profile/sessions', '/profile/tokens', '/profile/smtp-servers'];
const OWN = ['/recipients', '/suppressions', '/messages', '/mailings', '/log', '/statistics'];

/** @type {import('@playwright/test').Page} */
let page;

test.beforeAll(async ({ browser, baseURL }) => {
  page = await watchedPage(browser, baseURL);
});
test.afterAll(async () => {
  const asked = foreignTo(page);
  await page.context().close();
  expect(asked, 'requests to other hosts').toEqual([]);
});

/** What a visitor waits for who has never been here, in bytes as they travel. */
const LIGHT = 200_000;

test('the first page is light', async ({ browser }) => {
  const context = await browser.newContext({ locale: 'ru-RU' });
  const visitor = await context.newPage();
  /** @type {import('@playwright/test').Response[]} */
  const loaded = [];
  visitor.on('response', (response) => loaded.push(response));
  await visitor.goto('/', { waitUntil: 'networkidle' }); // what comes late is weighed, too
  // What it is made of; how many numbers and pictures it shows is not its weight.
  const parts = loaded.filter((response) => !new URL(response.url()).pathname.startsWith('/api/'));
  const sizes = await Promise.all(parts.map(async (response) => gzipSync(await response.body()).length));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  expect(parts.length).toBeGreaterThan(3);
  expect(total, `${total} bytes in ${parts.length} files`).toBeLessThanOrEqual(LIGHT);
  await context.close();
});

test('pages open to all', async () => {
  await checkAll(page, OPEN);
});

test('pages of somebody who has nothing yet', async () => {
  await signUpAndIn(page, newAddress('vera'));
  await checkAll(page, ['/dashboard', ...OWN, ...PROFILE]);
});

test('on a phone the menu is behind a button', async () => {
  await page.setViewportSize({ width: 360, height: 740 });
  await openSettled(page, '/dashboard');
  await page.getByRole('button', { name: 'Открыть меню' }).click();
  await expect(page.getByRole('link', { name: 'Журнал', exact: true })).toBeVisible();
  await checkAccessibility(page, 'the menu on a phone');
  await follow(page.getByRole('link', { name: 'Журнал', exact: true }));
  await expect(page.getByRole('heading', { name: 'Журнал', exact: true })).toBeVisible();
});
