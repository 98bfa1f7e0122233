// Making a mailing after another, choosing all that are found, and what became of the letters to one recipient. In Russian.
import { expect, test } from './test.js';

import { follow } from './settled.js';
import {
  accessToken,
  addressesOf,
  beginMailing,
  call,
  mailNow,
  newAddress,
  sendWritten,
  signUpAndIn,
  writeMessage,
} from './support.js';

test.use({ locale: 'ru-RU', timezoneId: 'Europe/Moscow' });

const unique = (/** @type {string} */ words) => `${words} ${newAddress('n').split('@')[0]}`;

/**
 * Somebody new with these recipients and a message.
 * @param {import('@playwright/test').Page} page
 * @param {string[]} emails
 * @param {string} subject
 */
async function prepare(page, emails, subject) {
  const me = newAddress('anna');
  await signUpAndIn(page, me);
  const token = await accessToken(me);
  for (const email of emails) await call('POST', '/recipients', { token, body: { email } });
  await writeMessage(page, subject);
}

test('a mailing made after another goes to the same people and no others', async ({ page }) => {
  const emails = [newAddress('ivan'), newAddress('maria')];
  const subject = unique('Каталог');
  await prepare(page, emails, subject);
  await beginMailing(page, subject);
  await page.getByLabel('Выбранные').check();
  await page.getByRole('checkbox', { name: `Выбрать ${emails[0]}` }).check();
  await page.getByLabel('Сейчас', { exact: true }).check();
  await sendWritten(page);
  await expect(page.getByText('Завершена')).toBeVisible({ timeout: 30_000 });
  expect(await addressesOf(subject)).toEqual([emails[0]]);

  await page.getByRole('button', { name: `Действия: ${subject}` }).click();
  await follow(page.getByRole('link', { name: 'Создать такую же' }));
  await expect(page).toHaveURL(/\/mailings\/new\?like=\d+$/);
  await expect(page.getByRole('combobox', { name: 'Сообщение' })).toHaveValue(subject);
  await expect(page.getByLabel('Те же (1)')).toBeChecked();
  await expect(page.getByLabel('Сейчас', { exact: true })).not.toBeChecked();
  await expect(page.getByLabel('В назначенное время')).not.toBeChecked();
  await page.getByLabel('Сейчас', { exact: true }).check();
  await expect(page.getByRole('status', { name: 'Одной фразой' })).toContainText('1 получателю');
  await sendWritten(page);
  await expect(page).toHaveURL(/\/mailings\/\d+$/);
  await expect.poll(() => addressesOf(subject), { timeout: 20_000 }).toEqual([emails[0], emails[0]]);
});

test('a mailing whose answer was lost is created once, however often one asks', async ({ page }) => {
  const email = newAddress('ivan');
  const subject = unique('Один раз');
  await prepare(page, [email], subject);
  await beginMailing(page, subject);
  await page.getByLabel('Все', { exact: true }).check();
  await page.getByLabel('Сейчас', { exact: true }).check();
  await page.route('**/api/v1/mailings', async (route) => {
    await route.fetch(); // the server has it
    await route.abort();
  });
  await sendWritten(page);
  await expect(page.getByRole('alert')).toContainText('Нет связи с сервером');
  await page.unroute('**/api/v1/mailings');
  await sendWritten(page);
  await expect(page).toHaveURL(/\/mailings\/\d+$/);
  await expect(page.getByText('Завершена')).toBeVisible({ timeout: 30_000 });
  expect(await addressesOf(subject)).toEqual([email]);
  await follow(page.getByRole('link', { name: 'Рассылки', exact: true }).first());
  await expect(page.getByRole('row', { name: subject })).toHaveCount(1);
});

test('all that a search finds are chosen at once, without a tick for each', async ({ page }) => {
  const mark = newAddress('n').split('@')[0]?.replaceAll('.', '') ?? '';
  const wanted = Array.from({ length: 12 }, (_, at) => `wanted${at}.${mark}@example.com`);
  const subject = unique('Приглашение');
  await prepare(page, [...wanted, `other.${mark}@example.com`], subject);
  await beginMailing(page, subject);
  await page.getByLabel('Выбранные').check();
  await expect(page.getByRole('button', { name: 'Выбрать всех (13)' })).toBeVisible();
  await page.getByRole('searchbox', { name: 'Поиск по адресу или имени' }).fill('wanted');
  await page.getByRole('button', { name: 'Выбрать всех найденных (12)' }).click();
  await expect(page.getByLabel('По поиску')).toBeChecked();
  await expect(page.getByText('Найдено 12 получателей')).toBeVisible();
  await page.getByLabel('Сейчас', { exact: true }).check();
  await expect(page.getByRole('status', { name: 'Одной фразой' })).toContainText('12 получателям');
  await sendWritten(page);
  await expect(page.getByText('Завершена')).toBeVisible({ timeout: 30_000 });
  expect((await addressesOf(subject)).sort()).toEqual(wanted.sort());
});

test('the history of a recipient tells what was sent and what the server said', async ({ page }) => {
  const [good, bad] = [newAddress('maria'), newAddress('olga..petrova')]; // two dots: the catcher's server refuses them
  const subject = unique('Отчёт');
  await prepare(page, [good, bad], subject);
  await mailNow(page, subject);
  await expect(page.getByText('Завершена')).toBeVisible({ timeout: 30_000 });
  await page.goto('/recipients');
  for (const [email, outcome, code] of [
    [good, 'Принято', '250'],
    [bad, 'Отказ', '501'],
  ]) {
    await page.getByRole('button', { name: `Действия: ${email}` }).click();
    await page.getByRole('button', { name: 'История' }).click();
    const panel = page.getByRole('dialog', { name: 'История' });
    await expect(panel.getByRole('listitem')).toHaveCount(1);
    await expect(panel.getByRole('listitem')).toContainText(outcome ?? '');
    await expect(panel.getByRole('link', { name: subject })).toBeVisible();
    await expect(panel.locator('code')).toContainText(code ?? '');
    await page.keyboard.press('Escape');
    await expect(panel).toHaveCount(0);
  }
});
