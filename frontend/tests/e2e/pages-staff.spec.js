// The pages of those who look after others: see look.js.
import { expect, test } from './test.js';

import { checkAccessibility, checkAll, foreignTo, watchedPage } from './look.js';
import { openSettled } from './settled.js';
import { addRecipient, mailNow, newAddress, signUpAndIn, signUpStaff, writeMessage } from './support.js';

test.use({ locale: 'ru-RU', timezoneId: 'Europe/Moscow' });

const LISTS = [
  ...['/recipients', '/suppressions', '/messages', '/mailings', '/log', '/statistics'],
  ...['/users', '/events', '/articles'],
];

/** Somebody has sent something: where the message and the mailing are. @param {import('@playwright/test').Page} page */
async function prepare(page) {
  const subject = 'Приглашение на вебинар';
  await signUpAndIn(page, newAddress('vera'));
  await page.goto('/recipients');
  await addRecipient(page, { email: newAddress('reader'), name: 'Пётр' });
  await writeMessage(page, subject);
  const message = new URL(page.url()).pathname;
  await mailNow(page, subject);
  await expect(page.getByText('Завершена')).toBeVisible({ timeout: 30_000 });
  return [message, new URL(page.url()).pathname];
}

test('pages of those who look after others', async ({ page: owners, browser, baseURL }) => {
  test.setTimeout(240_000);
  const theirs = await prepare(owners);
  const page = await watchedPage(browser, baseURL);
  await signUpStaff(page, newAddress('alla'), 'admin');
  await checkAll(page, ['/dashboard', ...LISTS, '/articles/new', '/profile/tokens', ...theirs]);

  await openSettled(page, '/users');
  await page
    .getByRole('button', { name: /^Действия: vera/ })
    .first()
    .click();
  await page.getByRole('button', { name: 'Заблокировать' }).click();
  await expect(page.getByRole('dialog').getByLabel('Причина')).toBeFocused();
  await checkAccessibility(page, 'blocking a user');
  await page.keyboard.press('Escape');
  await openSettled(page, '/profile/tokens');
  await page.getByRole('button', { name: 'Создать токен' }).click();
  await page.getByLabel('Название').fill('Отчёты');
  await checkAccessibility(page, 'making a token');
  await page.getByRole('button', { name: 'Создать', exact: true }).click();
  await expect(page.getByRole('button', { name: 'Копировать' })).toBeVisible();
  await checkAccessibility(page, 'a token that has just been made');
  await page.keyboard.press('Escape');
  await checkAll(page, ['/profile/tokens']);
  expect(foreignTo(page), 'requests to other hosts').toEqual([]);
  await page.context().close();
});
