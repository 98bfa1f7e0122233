// Every page: accessible in both themes, no sideways scrolling from phone to large screen, nothing left untranslated, no
// request to another host, and the first one light.
import { gzipSync } from 'node:zlib';

import AxeBuilder from '@axe-core/playwright';
import { expect, test } from '@playwright/test';

import { addRecipient, block, mailNow, newAddress, signUpAndIn, signUpStaff, writeMessage } from './support.js';
import { untranslatedOn } from './words.js';

test.use({ locale: 'ru-RU', timezoneId: 'Europe/Moscow' });
test.describe.configure({ mode: 'serial' });

const THEMES = /** @type {const} */ (['light', 'dark']);
const WIDTHS = [360, 768, 1280, 1920];
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
  '/there-is-no-such-page',
];
const PROFILE = ['/profile', '/profile/security', '/profile/sessions', '/profile/tokens'];
const OWN = ['/recipients', '/suppressions', '/messages', '/mailings', '/log', '/statistics'];
const EMPTY = ['/dashboard', ...OWN, ...PROFILE];
const LISTS = [...OWN, '/users', '/events', '/articles'];

/** @type {import('@playwright/test').Page} */
let page;
/** @type {string[]} */
const foreign = [];

/** A page of somebody new that tells of every request to another host. @param {import('@playwright/test').Browser} browser @param {string} [baseURL] */
async function watchedPage(browser, baseURL = '') {
  const context = await browser.newContext({ locale: 'ru-RU', timezoneId: 'Europe/Moscow', reducedMotion: 'reduce' });
  const watched = await context.newPage();
  const own = new URL(baseURL).origin;
  watched.on('request', (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol.startsWith('http') && origin !== own) foreign.push(request.url());
  });
  return watched;
}

test.beforeAll(async ({ browser, baseURL }) => {
  page = await watchedPage(browser, baseURL);
});
test.afterAll(async () => {
  await page.context().close();
});

/** The page when it has nothing more to load. @param {string} path */
async function open(path) {
  await page.goto(path, { waitUntil: 'networkidle' });
  await expect(page.locator('.placeholder-glow')).toHaveCount(0);
}

/** @param {string} where */
async function checkAccessibility(where) {
  // A frame without scripts cannot be looked into; what it shows is the author's.
  const { violations } = await new AxeBuilder({ page }).exclude('iframe').analyze();
  const bad = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  expect(
    bad.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target).join(' | ')}`),
    where,
  ).toEqual([]);
}

/** @param {string} where */
async function checkWidths(where) {
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 800 });
    const beyond = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(beyond, `${where} at ${width} px`).toBeLessThanOrEqual(0);
  }
  await page.setViewportSize({ width: 1280, height: 800 });
}

/** The first thing in a list. @param {string} path */
async function firstLink(path) {
  await open(path);
  return (await page.getByRole('cell').getByRole('link').first().getAttribute('href')) ?? '';
}

/** @param {string[]} paths */
async function checkAll(paths) {
  for (const path of paths) {
    await open(path);
    expect(await untranslatedOn(page), path).toEqual([]);
    await checkWidths(path);
    for (const theme of THEMES) {
      await page.evaluate((value) => (document.documentElement.dataset.bsTheme = value), theme);
      await checkAccessibility(`${path} ${theme}`);
    }
  }
}

/** What a visitor waits for who has never been here, in bytes as they travel. */
const LIGHT = 200_000;

test('the first page is light', async ({ browser }) => {
  const context = await browser.newContext({ locale: 'ru-RU' });
  const visitor = await context.newPage();
  /** @type {import('@playwright/test').Response[]} */
  const loaded = [];
  visitor.on('response', (response) => loaded.push(response));
  await visitor.goto('/', { waitUntil: 'networkidle' });
  // What it is made of; how many numbers and pictures it shows is not its weight.
  const parts = loaded.filter((response) => !new URL(response.url()).pathname.startsWith('/api/'));
  const sizes = await Promise.all(parts.map(async (response) => gzipSync(await response.body()).length));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  expect(parts.length).toBeGreaterThan(3);
  expect(total, `${total} bytes in ${parts.length} files`).toBeLessThanOrEqual(LIGHT);
  await context.close();
});

test('pages open to all', async () => {
  test.setTimeout(120_000);
  await open('/');
  await checkAll(OPEN);
});

test('pages of somebody who has nothing yet', async () => {
  test.setTimeout(120_000);
  await signUpAndIn(page, newAddress('vera'));
  await checkAll(EMPTY);
});

test('pages with something on them', async () => {
  test.setTimeout(180_000);
  const subject = 'Приглашение на вебинар';
  await open('/recipients');
  await addRecipient(page, {
    email: newAddress('a-very-long-name-that-hardly-fits-on-a-phone'),
    name: 'Константин Константинопольский',
  });
  await addRecipient(page, { email: newAddress('refused..by.the.catcher'), name: 'Пётр' });
  await block(page, newAddress('blocked'));
  await writeMessage(page, subject);
  const message = new URL(page.url()).pathname;
  await mailNow(page, subject);
  const mailing = new URL(page.url()).pathname;
  await expect(page.getByText('Завершена')).toBeVisible({ timeout: 30_000 });
  const inside = [mailing, `${mailing}?tab=recipients`, `${mailing}?tab=schedule`, `${mailing}/edit`, '/mailings/new'];
  const like = `/mailings/new?like=${mailing.split('/').pop()}`;
  await checkAll([...EMPTY, message, '/messages/new', ...inside, like]);
});

test('what opens over a page', async () => {
  await open('/recipients');
  await page.getByRole('button', { name: 'Добавить получателя' }).click();
  await expect(page.getByRole('dialog').getByLabel('Эл. почта')).toBeFocused();
  await checkAccessibility('adding a recipient');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);

  await page
    .getByRole('button', { name: /^Действия: / })
    .first()
    .click();
  await page.getByRole('button', { name: 'Удалить' }).click();
  await expect(page.getByRole('dialog', { name: 'Удалить безвозвратно?' })).toBeVisible();
  await checkAccessibility('asking before deleting');
  await page.getByRole('button', { name: 'Отмена' }).click();
  await page
    .getByRole('button', { name: /^Действия: / })
    .first()
    .click();
  await page.getByRole('button', { name: 'История' }).click();
  await expect(page.getByRole('dialog', { name: 'История' }).getByRole('listitem').first()).toBeVisible();
  await checkAccessibility('the history of a recipient');

  await open('/suppressions');
  await page.getByRole('button', { name: 'Заблокировать адрес' }).click();
  await expect(page.getByRole('dialog').getByLabel('Эл. почта')).toBeFocused();
  await checkAccessibility('blocking an address');

  await open('/statistics?period=own');
  await page.getByRole('button', { name: 'Таблицей' }).click();
  await expect(page.getByRole('table', { name: 'Попытки по дням' })).toBeVisible();
  await checkAccessibility('a chart as a table');

  await open('/mailings/new');
  await page.getByText('Ещё настройки').click();
  await expect(page.getByRole('group', { name: 'Если ответ сервера потерян' })).toBeVisible();
  await checkAccessibility('more settings of a mailing');
  await page.getByRole('combobox', { name: 'Часовой пояс' }).click();
  await expect(page.getByRole('option').first()).toBeVisible();
  await checkAccessibility('choosing a time zone');
});

test('writing a message, as rich text and as source', async () => {
  await open('/messages/new');
  await page.getByRole('textbox', { name: 'Содержание' }).fill('Здравствуйте, {{ full_name }}!');
  const tools = page.getByRole('toolbar', { name: 'Оформление текста' });
  await tools.getByRole('button', { name: 'Ссылка' }).click();
  await expect(page.getByLabel('Адрес ссылки')).toBeFocused();
  for (const theme of THEMES) {
    await page.evaluate((value) => (document.documentElement.dataset.bsTheme = value), theme);
    await checkAccessibility(`rich text ${theme}`);
  }
  await page.getByRole('button', { name: 'Исходный код' }).click();
  await expect(page.getByRole('textbox', { name: 'Исходный код HTML' })).toContainText('{{ full_name }}');
  await expect(page.locator('.cm-content')).toBeVisible();
  await checkWidths('the source of a message');
  for (const theme of THEMES) {
    await page.evaluate((value) => (document.documentElement.dataset.bsTheme = value), theme);
    await checkAccessibility(`source ${theme}`);
  }
  await page.getByRole('button', { name: 'Визуально' }).click();
  await expect(page.getByRole('textbox', { name: 'Содержание' })).toBeVisible();
  await page.getByRole('textbox', { name: 'Содержание' }).fill('');
});

test('pages of those who look after others', async ({ browser, baseURL }) => {
  test.setTimeout(240_000);
  const [message, mailing] = [await firstLink('/messages'), await firstLink('/mailings')];
  const owners = page;
  page = await watchedPage(browser, baseURL);
  await signUpStaff(page, newAddress('alla'), 'admin');
  await checkAll(['/dashboard', ...LISTS, '/articles/new', '/profile/tokens', message, mailing]);

  await open('/users');
  await page
    .getByRole('button', { name: /^Действия: vera/ })
    .first()
    .click();
  await page.getByRole('button', { name: 'Заблокировать' }).click();
  await expect(page.getByRole('dialog').getByLabel('Причина')).toBeFocused();
  await checkAccessibility('blocking a user');
  await page.keyboard.press('Escape');
  await open('/profile/tokens');
  await page.getByRole('button', { name: 'Создать токен' }).click();
  await page.getByLabel('Название').fill('Отчёты');
  await checkAccessibility('making a token');
  await page.getByRole('button', { name: 'Создать', exact: true }).click();
  await expect(page.getByRole('button', { name: 'Копировать' })).toBeVisible();
  await checkAccessibility('a token that has just been made');
  await page.keyboard.press('Escape');
  await checkAll(['/profile/tokens']);
  await page.context().close();
  page = owners;
});

test('on a phone the menu is behind a button', async () => {
  await page.setViewportSize({ width: 360, height: 740 });
  await open('/dashboard');
  await page.getByRole('button', { name: 'Открыть меню' }).click();
  await expect(page.getByRole('link', { name: 'Журнал', exact: true })).toBeVisible();
  await checkAccessibility('the menu on a phone');
  await page.getByRole('link', { name: 'Журнал', exact: true }).click();
  await expect(page.getByRole('heading', { name: 'Журнал', exact: true })).toBeVisible();
});

test('no request has left the origin', () => {
  expect(foreign).toEqual([]);
});
