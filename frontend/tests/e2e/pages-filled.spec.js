// The pages of somebody who has sent something, what opens over them, and the editors: see look.js.
import { expect, test } from './test.js';

import { checkAccessibility, checkAll, checkThemes, checkWidths, foreignTo, watchedPage } from './look.js';
import { openSettled } from './settled.js';
import { addRecipient, block, mailNow, newAddress, signUpAndIn, writeMessage } from './support.js';

test.use({ locale: 'ru-RU', timezoneId: 'Europe/Moscow' });
test.describe.configure({ mode: 'serial' });

const OWN = ['/dashboard', '/recipients', '/suppressions', '/messages', '/mailings', '/log', '/statistics'];

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

test('pages with something on them', async () => {
  test.setTimeout(180_000);
  const subject = 'Приглашение на вебинар';
  await signUpAndIn(page, newAddress('vera'));
  await openSettled(page, '/recipients');
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
  await checkAll(page, [...OWN, message, '/messages/new', ...inside, like]);
});

test('what opens over a page', async () => {
  await openSettled(page, '/recipients');
  await page.getByRole('button', { name: 'Добавить получателя' }).click();
  await expect(page.getByRole('dialog').getByLabel('Эл. почта')).toBeFocused();
  await checkAccessibility(page, 'adding a recipient');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);

  await page
    .getByRole('button', { name: /^Действия: / })
    .first()
    .click();
  await page.getByRole('button', { name: 'Удалить' }).click();
  await expect(page.getByRole('dialog', { name: 'Удалить безвозвратно?' })).toBeVisible();
  await checkAccessibility(page, 'asking before deleting');
  await page.getByRole('button', { name: 'Отмена' }).click();
  await page
    .getByRole('button', { name: /^Действия: / })
    .first()
    .click();
  await page.getByRole('button', { name: 'История' }).click();
  await expect(page.getByRole('dialog', { name: 'История' }).getByRole('listitem').first()).toBeVisible();
  await checkAccessibility(page, 'the history of a recipient');

  await openSettled(page, '/suppressions');
  await page.getByRole('button', { name: 'Заблокировать адрес' }).click();
  await expect(page.getByRole('dialog').getByLabel('Эл. почта')).toBeFocused();
  await checkAccessibility(page, 'blocking an address');

  await openSettled(page, '/statistics?period=own');
  await page.getByRole('button', { name: 'Таблицей' }).click();
  await expect(page.getByRole('table', { name: 'Попытки по дням' })).toBeVisible();
  await checkAccessibility(page, 'a chart as a table');

  await openSettled(page, '/mailings/new');
  await page.getByText('Ещё настройки').click();
  await expect(page.getByRole('group', { name: 'Если ответ сервера потерян' })).toBeVisible();
  await checkAccessibility(page, 'more settings of a mailing');
  await page.getByRole('combobox', { name: 'Часовой пояс' }).click();
  await expect(page.getByRole('option').first()).toBeVisible();
  await checkAccessibility(page, 'choosing a time zone');
});

test('writing a message, as rich text and as source', async () => {
  await openSettled(page, '/messages/new');
  await page.getByRole('textbox', { name: 'Содержание' }).fill('Здравствуйте, {{ full_name }}!');
  const tools = page.getByRole('toolbar', { name: 'Оформление текста' });
  await tools.getByRole('button', { name: 'Ссылка' }).click();
  await expect(page.getByLabel('Адрес ссылки')).toBeFocused();
  await checkThemes(page, 'rich text');
  await page.getByRole('button', { name: 'Исходный код' }).click();
  await expect(page.getByRole('textbox', { name: 'Исходный код HTML' })).toContainText('{{ full_name }}');
  await expect(page.locator('.cm-content')).toBeVisible();
  await checkWidths(page, 'the source of a message');
  await checkThemes(page, 'source');
  await page.getByRole('button', { name: 'Визуально' }).click();
  await expect(page.getByRole('textbox', { name: 'Содержание' })).toBeVisible();
  await page.getByRole('textbox', { name: 'Содержание' }).fill('');
});
