// The main job without a mouse: signing in, adding a recipient, writing, sending; and what opens over a page lets go again.
import { expect, test } from './test.js';

import { mailTo, newAddress, PASSWORD, signUpAndIn } from './support.js';

test.use({ locale: 'ru-RU', timezoneId: 'Europe/Moscow' });

/** Nothing on a page is further away. */
const MOST_STEPS = 80;

/**
 * Moves the focus forward until it is there, and checks that it can be seen.
 * @param {import('@playwright/test').Locator} goal
 */
async function tabTo(goal) {
  const page = goal.page();
  await expect(goal).toBeVisible();
  const isThere = () => goal.evaluate((element) => element === document.activeElement);
  for (let step = 0; step < MOST_STEPS && !(await isThere()); step += 1) await page.keyboard.press('Tab');
  await expect(goal, 'reached by Tab').toBeFocused();
  const marked = await goal.evaluate((element) => {
    const { outlineStyle, boxShadow, borderColor } = getComputedStyle(element);
    return outlineStyle !== 'none' || boxShadow !== 'none' || borderColor !== '';
  });
  expect(marked, 'the focus is to be seen').toBe(true);
}

/** @param {import('@playwright/test').Locator} goal */
async function press(goal) {
  await tabTo(goal);
  await goal.page().keyboard.press('Enter');
}

/** An entry of the open menu whose button has the focus. @param {import('@playwright/test').Page} page @param {string} name */
async function chooseEntry(page, name) {
  const entry = page.locator('.dropdown-menu.show').getByRole('button', { name });
  for (let step = 0; step < 10; step += 1) {
    await page.keyboard.press('ArrowDown');
    if (await entry.evaluate((element) => element === document.activeElement)) break;
  }
  await expect(entry).toBeFocused();
  await page.keyboard.press('Enter');
}

test('a newcomer signs in, adds a reader, writes to them and sends it, by keyboard alone', async ({ page }) => {
  const [me, reader] = [newAddress('anna'), newAddress('reader')];
  const subject = `Новости ${newAddress('n').split('@')[0]}`;
  await signUpAndIn(page, me);
  await press(page.getByRole('button', { name: 'Выйти' }));
  await expect(page.getByRole('heading', { name: 'Рассылки, за которые можно отвечать' })).toBeVisible();

  await press(page.getByRole('banner').getByRole('link', { name: 'Вход' }));
  await expect(page.getByRole('heading', { name: 'Вход' })).toBeVisible();
  await tabTo(page.getByLabel('Эл. почта'));
  await page.keyboard.type(me);
  await tabTo(page.getByLabel('Пароль'));
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Обзор' })).toBeVisible();

  const menu = page.getByRole('navigation', { name: 'Главное меню' });
  await page.goto('/dashboard');
  await expect(page.getByRole('heading', { name: 'Обзор' })).toBeVisible();
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'К содержанию' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.locator('main')).toBeFocused();
  await page.reload();
  await press(menu.getByRole('link', { name: 'Получатели' }));
  await expect(page.locator('main')).toBeFocused();

  const add = page.getByRole('button', { name: 'Добавить получателя' }).first();
  await press(add);
  const panel = page.getByRole('dialog', { name: 'Новый получатель' });
  await expect(panel.getByLabel('Эл. почта')).toBeFocused();
  await page.keyboard.type(reader);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('row', { name: reader })).toBeVisible();
  await expect(panel).toBeHidden();
  await expect(add).toBeFocused();

  await page.goto('/messages/new');
  await tabTo(page.getByLabel('Тема'));
  await page.keyboard.type(subject);
  await tabTo(page.getByLabel('Обычный текст'));
  await page.keyboard.type('Здравствуйте!');
  await press(page.getByRole('button', { name: 'Сохранить' }));
  await expect(page).toHaveURL(/\/messages\/\d+$/);

  await page.goto('/mailings/new');
  const message = page.getByRole('combobox', { name: 'Сообщение' });
  await tabTo(message);
  await page.keyboard.press('ArrowDown');
  await expect(page.getByRole('option', { name: subject })).toBeVisible();
  await page.keyboard.press('Enter');
  await expect(message).toHaveValue(subject);
  // Radio buttons: Tab goes to the chosen one, the arrows choose another.
  await tabTo(page.getByLabel('Все', { exact: true }));
  await page.keyboard.press('ArrowDown');
  await expect(page.getByLabel('По поиску')).toBeChecked();
  await page.keyboard.press('ArrowUp');
  await expect(page.getByLabel('Все', { exact: true })).toBeChecked();
  await tabTo(page.getByLabel('Сейчас', { exact: true }));
  await page.keyboard.press('Space');
  await press(page.getByRole('button', { name: 'Отправить сейчас 1 получателю' }));
  await press(page.getByRole('dialog').getByRole('button', { name: 'Отправить сейчас 1 получателю' }));
  await expect(page).toHaveURL(/\/mailings\/\d+$/);
  expect((await mailTo(reader)).subject).toBe(subject);

  await expect(page.getByText('Завершена')).toBeVisible({ timeout: 30_000 });
  await tabTo(page.getByRole('tab', { name: 'Запуски' }));
  await page.keyboard.press('ArrowRight');
  await expect(page.getByRole('tab', { name: 'Получатели' })).toBeFocused();
  await expect(page.getByRole('tabpanel', { name: 'Получатели' })).toContainText(reader);
});

test('what opens over a page gives the focus back to where it was opened', async ({ page }) => {
  const reader = newAddress('reader');
  await signUpAndIn(page, newAddress('boris'));
  await page.goto('/recipients');
  await press(page.getByRole('button', { name: 'Добавить получателя' }).first());
  const panel = page.getByRole('dialog', { name: 'Новый получатель' });
  await expect(panel.getByLabel('Эл. почта')).toBeFocused();
  await page.keyboard.type(reader);
  await page.keyboard.press('Enter');
  await expect(panel).toBeHidden();

  const actions = page.getByRole('button', { name: `Действия: ${reader}` });
  for (const [entry, title] of /** @type {const} */ ([
    ['Изменить', 'Изменить получателя'],
    ['История', 'История'],
    ['Удалить', 'Удалить безвозвратно?'],
  ])) {
    await press(actions);
    await chooseEntry(page, entry);
    const over = page.getByRole('dialog', { name: title });
    await expect(over).toBeVisible();
    await expect.poll(() => over.evaluate((element) => element.contains(document.activeElement))).toBe(true);
    await page.keyboard.press('Escape');
    await expect(over).toBeHidden();
    await expect(actions).toBeFocused();
  }
});
