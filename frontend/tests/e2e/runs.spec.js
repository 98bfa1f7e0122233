// Holding a mailing back and letting it go; sending again what the mail server refused. In Russian.
import { expect, test } from './test.js';

import { follow } from './settled.js';
import {
  addRecipient,
  beginMailing,
  countOf,
  fillStart,
  mailNow,
  mailsTo,
  newAddress,
  signUpAndIn,
  writeMessage,
} from './support.js';

test.use({ locale: 'ru-RU', timezoneId: 'Europe/Moscow' });

/** As an `<input type="datetime-local">` in Moscow takes it. @param {number} moment */
const inMoscow = (moment) => new Date(moment + 3 * 3_600_000).toISOString().slice(0, 16);
const DAY_MS = 86_400_000;
const unique = (/** @type {string} */ words) => `${words} ${newAddress('n').split('@')[0]}`;

test('a paused mailing sends nothing until it is resumed', async ({ page }) => {
  const email = newAddress('ivan');
  const [held, free] = [unique('Скидки'), unique('Новости')];
  await signUpAndIn(page, newAddress('anna'));
  await page.goto('/recipients');
  await addRecipient(page, { email, name: 'Иван Петров' });
  await writeMessage(page, held);
  await writeMessage(page, free);

  await beginMailing(page, held);
  await page.getByLabel('Все', { exact: true }).check();
  await page.getByLabel('Каждую неделю').check();
  await page.getByLabel('В назначенное время').check();
  await fillStart(page.getByLabel('Первая отправка'), inMoscow(Date.now() + DAY_MS));
  await page.getByText('Ещё настройки').click();
  await page.getByLabel('Ждать моего решения').check();
  await page.getByRole('button', { name: /^Запланировать: / }).click();
  await expect(page).toHaveURL(/\/mailings\/\d+$/);
  const mailing = new URL(page.url()).pathname;
  await page.getByRole('button', { name: 'Приостановить' }).click();
  await expect(page.getByText('до возобновления')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Отправить сейчас' })).toHaveCount(0);

  // Its time comes while it is paused; another mailing, begun after it, goes out.
  await follow(page.getByRole('link', { name: 'Изменить' }));
  await fillStart(page.getByLabel('Первая отправка'), inMoscow(Date.now() - 60_000));
  await page.getByRole('button', { name: 'Сохранить' }).click();
  await expect(page).toHaveURL(/\/mailings\/\d+$/);
  await mailNow(page, free);
  await expect.poll(() => countOf(email, free), { timeout: 20_000 }).toBe(1);
  expect(await countOf(email, held)).toBe(0);

  await page.goto(`${mailing}?tab=schedule`);
  await expect(page.getByRole('tabpanel')).toContainText('Ждать моего решения');
  await page.getByRole('tab', { name: 'Запуски' }).click();
  await page.getByRole('button', { name: 'Возобновить' }).click();
  const question = page.getByRole('dialog', { name: 'Продолжить отправку?' });
  await expect(question).toContainText('сразу уйдёт 1 письмо');
  await question.getByRole('button', { name: 'Возобновить' }).click();
  await expect(page.getByRole('region', { name: 'Последний запуск' }).getByText('Завершён')).toBeVisible({
    timeout: 30_000,
  });
  await expect(page.getByText('ждёт своего времени')).toBeVisible();
  expect(await countOf(email, held)).toBe(1);
});

test('what the server refused is told in its words, and tried again when asked', async ({ page }) => {
  const [good, bad] = [newAddress('maria'), newAddress('olga..petrova')]; // two dots: the catcher's server refuses them
  const subject = unique('Приглашение');
  await signUpAndIn(page, newAddress('boris'));
  await page.goto('/recipients');
  await addRecipient(page, { email: good, name: 'Мария' });
  await addRecipient(page, { email: bad, name: 'Ольга' });
  await writeMessage(page, subject);
  await mailNow(page, subject);
  await expect(page.getByText('Завершена')).toBeVisible({ timeout: 30_000 });

  const failures = page.getByRole('region', { name: 'Неудачи по ответам сервера' });
  await expect(failures.getByRole('listitem')).toHaveCount(1);
  await expect(failures.getByRole('listitem')).toContainText('1 письмо');
  await expect(failures.locator('code')).toHaveText(/^501 /);

  const refused = page.getByRole('region', { name: 'Письма этого запуска' }).getByRole('row', { name: bad });
  const tried = (/** @type {number} */ times) => refused.getByRole('cell', { name: String(times), exact: true });
  await expect(tried(1)).toBeVisible();
  await failures.getByRole('button', { name: /^Повторить эти/ }).click();
  await sendAgain(page, 'Снова уйдёт 1 письмо');
  await expect(tried(2)).toBeVisible({ timeout: 30_000 });
  await expect(refused).toContainText('Отказ');

  await page.getByLabel('Показать').selectOption({ label: 'Отказ' });
  await page.getByRole('checkbox', { name: `Выбрать ${bad}` }).check();
  await page.getByRole('button', { name: 'Повторить выбранные' }).click();
  await sendAgain(page, 'Снова уйдёт 1 письмо');
  await expect(tried(3)).toBeVisible({ timeout: 30_000 });

  await expect(page.getByText('Завершена')).toBeVisible({ timeout: 30_000 });
  expect(await mailsTo(good)).toHaveLength(1);
});

/** @param {import('@playwright/test').Page} page @param {string} words */
async function sendAgain(page, words) {
  const question = page.getByRole('dialog', { name: 'Отправить снова?' });
  await expect(question).toContainText(words);
  await question.getByRole('button', { name: 'Отправить снова' }).click();
  await expect(question).toBeHidden();
}
