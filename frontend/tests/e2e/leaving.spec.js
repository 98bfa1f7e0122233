// From one page to the next while the next one still loads: what was typed goes along, what is typed meanwhile is not lost on a
// page that leaves. In Russian.
import { settled, follow } from './settled.js';
import { newAddress, signUpAndIn } from './support.js';
import { expect, test } from './test.js';

test.use({ locale: 'ru-RU', timezoneId: 'Europe/Moscow' });

/** @typedef {import('@playwright/test').Page} Page */

/** Keeps the script of a page until it is let through. @param {Page} page @param {string} name */
async function withhold(page, name) {
  let letThrough = () => {};
  const held = new Promise((resolve) => (letThrough = () => resolve(undefined)));
  await page.route(new RegExp(`/assets/${name}-[^/]+\\.js$`), (route) => held.then(() => route.fallback()));
  return letThrough;
}

const addressOf = (/** @type {Page} */ page) => page.getByLabel('Эл. почта');
const heading = (/** @type {Page} */ page, /** @type {string} */ name) =>
  expect(page.getByRole('heading', { name, level: 1, exact: true })).toBeVisible();

test('the address typed on one page for signing in or up is there on all the others', async ({ page }) => {
  await page.goto('/sign-in');
  await addressOf(page).fill('anna@example.com');
  await follow(page.getByRole('link', { name: 'Забыли пароль?' }));
  await expect(addressOf(page)).toHaveValue('anna@example.com');
  await addressOf(page).fill('anna.k@example.com');
  await follow(page.getByRole('main').getByRole('link', { name: 'Вход' }));
  await expect(addressOf(page)).toHaveValue('anna.k@example.com');
  await follow(page.getByRole('link', { name: 'Зарегистрироваться' }));
  await expect(addressOf(page)).toHaveValue('anna.k@example.com');
  await page.getByLabel('Имя и фамилия').fill('Анна');
  await follow(page.getByRole('main').getByRole('link', { name: 'Вход' }));
  await follow(page.getByRole('link', { name: 'Не пришло письмо' }));
  await expect(addressOf(page)).toHaveValue('anna.k@example.com');
  await page.goBack();
  await heading(page, 'Вход');
  await page.goBack();
  await heading(page, 'Регистрация');
  await expect(page.getByLabel('Имя и фамилия')).toHaveValue('Анна');

  // In memory only: nothing of it is stored, and a page that is loaded begins empty.
  const stored = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
  expect(stored).not.toContain('anna');
  await page.reload();
  await expect(addressOf(page)).toHaveValue('');
});

test('whoever signs in leaves no address behind, and comes where they wanted to go by way of other pages', async ({
  page,
}) => {
  const email = newAddress('anna');
  await signUpAndIn(page, email);
  await page.getByRole('button', { name: 'Выйти' }).click();
  await heading(page, 'Рассылки, за которые можно отвечать');
  await follow(page.getByRole('banner').getByRole('link', { name: 'Вход' }));
  await expect(addressOf(page)).toHaveValue('');

  await page.goto('/log?outcome=rejected');
  await follow(page.getByRole('link', { name: 'Забыли пароль?' }));
  await follow(page.getByRole('main').getByRole('link', { name: 'Вход' }));
  await addressOf(page).fill(email);
  await page.getByLabel('Пароль').fill('сорок-две берёзы');
  await page.getByRole('button', { name: 'Войти' }).click();
  await heading(page, 'Журнал');
  await expect(page.getByLabel('Исход')).toHaveValue('rejected');
});

test('a link shows at once that the page changes, and the page that leaves takes no input', async ({ page }) => {
  const letThrough = await withhold(page, 'ForgotPage');
  await page.goto('/sign-in');
  await addressOf(page).fill('anna@example.com');
  // eslint-disable-next-line no-restricted-syntax -- what comes before the next page is what it is about
  await page.getByRole('link', { name: 'Забыли пароль?' }).click();
  await expect(page.getByRole('progressbar', { name: 'Загрузка' })).toBeVisible();
  await expect(page.locator('main')).toHaveAttribute('aria-busy', 'true');
  await expect(page.locator('main')).toHaveJSProperty('inert', true);
  await page.keyboard.type('lost');
  expect(await page.getByLabel('Эл. почта').inputValue()).toBe('anna@example.com');

  letThrough();
  await heading(page, 'Забыли пароль?');
  await expect(page.getByRole('progressbar')).toHaveCount(0);
  await expect(page.locator('main')).toHaveJSProperty('inert', false);
  await expect(page.locator('main')).toBeFocused();
  await expect(addressOf(page)).toHaveValue('anna@example.com');
});

test('another entry of the menu may be chosen while the first one loads', async ({ page }) => {
  await signUpAndIn(page, newAddress('boris'));
  const menu = page.getByRole('navigation', { name: 'Главное меню' });
  const letThrough = await withhold(page, 'StatisticsPage');
  await menu.locator('a[href="/statistics"]').click();
  await expect(page.getByRole('progressbar', { name: 'Загрузка' })).toBeVisible();
  await follow(menu.getByRole('link', { name: 'Получатели' }));
  letThrough();
  await settled(page);
  await heading(page, 'Получатели');
  await expect(page.getByRole('progressbar', { name: 'Загрузка' })).toHaveCount(0);
  await expect(page.locator('main')).toBeFocused();
});

test('a search typed for one way of choosing recipients is there for the other', async ({ page }) => {
  await signUpAndIn(page, newAddress('vera'));
  await page.goto('/mailings/new');
  const search = page.getByRole('searchbox', { name: 'Поиск по адресу или имени' });
  await page.getByLabel('По поиску').check();
  await search.fill('ivan');
  await page.getByLabel('Выбранные').check();
  await expect(search).toHaveValue('ivan');
  await search.fill('maria');
  await page.getByLabel('По поиску').check();
  await expect(search).toHaveValue('maria');
});

test('the blog of somebody who is signed in comes in its frame at once, and nothing typed there is taken away', async ({
  page,
}) => {
  await signUpAndIn(page, newAddress('dina'));
  let letThrough = () => {};
  const held = new Promise((resolve) => (letThrough = () => resolve(undefined)));
  await page.route('**/api/v1/auth/refresh', (route) => held.then(() => route.fallback()));
  await page.goto('/blog');
  await expect(page.locator('main')).toHaveCount(0);
  letThrough();
  await page.getByLabel('Поиск по статьям').fill('нет такой');
  await expect(page.getByRole('navigation', { name: 'Главное меню' })).toBeVisible();
  await expect(page).toHaveURL(/q=/);
  await expect(page.getByLabel('Поиск по статьям')).toHaveValue('нет такой');
});
