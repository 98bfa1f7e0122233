// Nobody is mailed by one click: what the form of a mailing begins with, what its button says, what is asked. In Russian.
import { follow } from './settled.js';
import {
  accessToken,
  addressesOf,
  beginMailing,
  call,
  countOf,
  fillStart,
  newAddress,
  sendWritten,
  signUpAndIn,
  writeMessage,
} from './support.js';
import { expect, test } from './test.js';

test.use({ locale: 'ru-RU', timezoneId: 'Europe/Moscow' });

const DAY_MS = 86_400_000;
const unique = (/** @type {string} */ words) => `${words} ${newAddress('n').split('@')[0]}`;
/** As an `<input type="datetime-local">` in Moscow takes it. @param {number} moment */
const inMoscow = (moment) => new Date(moment + 3 * 3_600_000).toISOString().slice(0, 16);

/**
 * Somebody new with these recipients, in the form of a mailing with its message chosen.
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
  await beginMailing(page, subject);
  return { me, mailings: async () => (await call('GET', '/mailings', { token })).data.total };
}

test('the form begins with nobody and no time, and asks for both at their fields', async ({ page }) => {
  const subject = unique('Скидки');
  const { mailings } = await prepare(page, [newAddress('ivan')], subject);
  const groups = ['Получатели', 'Начало'].map((name) => page.getByRole('group', { name }));
  for (const group of groups) {
    await expect(group.getByRole('radio').first()).toBeVisible();
    await expect(group.getByRole('radio', { checked: true })).toHaveCount(0);
  }
  await page.getByRole('button', { name: 'Создать рассылку' }).click();
  for (const group of groups) await expect(group.getByRole('alert')).toHaveText('Выберите вариант');
  await expect(page.getByLabel('Все', { exact: true })).toBeFocused();
  await expect(page).toHaveURL(/\/mailings\/new$/);
  expect(await mailings()).toBe(0);
});

test('sending now asks once with the number, and a test to oneself comes first where wanted', async ({ page }) => {
  const people = [newAddress('ivan'), newAddress('maria')];
  const subject = unique('Приглашение');
  const { me, mailings } = await prepare(page, people, subject);
  await page.getByLabel('Все', { exact: true }).check();
  await page.getByLabel('Сейчас', { exact: true }).check();
  const send = page.getByRole('button', { name: 'Отправить сейчас 2 получателям' });
  await send.click();
  const question = page.getByRole('dialog', { name: 'Отправить сейчас?' });
  await expect(question).toContainText(`«${subject}» сразу уйдёт 2 получателям.`);
  await question.getByRole('button', { name: 'Сначала прислать пробное письмо мне' }).click();
  await expect(question.getByRole('status')).toHaveText(`Пробное письмо отправлено на ${me}.`);
  await expect.poll(() => countOf(me, subject), { timeout: 20_000 }).toBe(1);
  await question.getByRole('button', { name: 'Отмена' }).click();
  await expect(question).toBeHidden();
  await expect(page).toHaveURL(/\/mailings\/new$/);
  expect(await mailings()).toBe(0);

  await sendWritten(page);
  await expect(page).toHaveURL(/\/mailings\/\d+$/);
  await expect.poll(async () => (await addressesOf(subject)).sort()).toEqual([me, ...people].sort());
});

test('the button says when a mailing goes, and what saving a changed one does', async ({ page }) => {
  const subject = unique('Новости');
  await prepare(page, [newAddress('ivan')], subject);
  await page.getByLabel('Все', { exact: true }).check();
  await page.getByLabel('В назначенное время').check();
  const start = page.getByLabel('Первая отправка');
  await fillStart(start, '2099-03-09T09:00');
  await page.getByRole('button', { name: 'Запланировать: 9 мар. 2099 г., 09:00 (Москва)' }).click();
  await expect(page).toHaveURL(/\/mailings\/\d+$/);

  await follow(page.getByRole('link', { name: 'Изменить' }));
  await expect(page.getByRole('button', { name: 'Сохранить изменения' })).toBeVisible();
  await fillStart(start, inMoscow(Date.now()));
  await page.getByRole('button', { name: 'Сохранить и отправить 1 получателю' }).click();
  await page.getByRole('dialog', { name: 'Отправить сейчас?' }).getByRole('button', { name: 'Отмена' }).click();
  await fillStart(start, '2099-03-10T09:00');
  await page.getByRole('button', { name: 'Сохранить изменения' }).click();
  await expect(page).toHaveURL(/\/mailings\/\d+$/);
  await expect(page.getByText('ждёт своего времени')).toBeVisible();
  expect(await addressesOf(subject)).toEqual([]);
});

test('a start a year ago is a mistake at its field, and nobody is mailed', async ({ page }) => {
  const subject = unique('Итоги');
  const { mailings } = await prepare(page, [newAddress('ivan')], subject);
  await page.getByLabel('Все', { exact: true }).check();
  await page.getByLabel('В назначенное время').check();
  await fillStart(page.getByLabel('Первая отправка'), inMoscow(Date.now() - 365 * DAY_MS));
  await expect(page.getByText('Начало — больше суток назад')).toBeVisible();
  await page.getByRole('button', { name: 'Создать рассылку' }).click();
  await expect(page.getByText('Начало — больше суток назад')).toBeVisible();
  await expect(page.getByLabel('Первая отправка')).toBeFocused();
  await expect(page.getByRole('dialog')).toHaveCount(0);
  expect(await mailings()).toBe(0);
  expect(await addressesOf(subject)).toEqual([]);
});
