// Statistics: page, API and files say the same of a mailing that has just been sent. In Russian.
import { readFile } from 'node:fs/promises';

import { expect, test } from './test.js';

import { follow } from './settled.js';
import { accessToken, addRecipient, call, mailNow, newAddress, signUpAndIn, writeMessage } from './support.js';

test.use({ locale: 'ru-RU', timezoneId: 'Europe/Moscow' });

/** The rows of the file behind a button, without the columns' names. @param {import('@playwright/test').Page} page @param {import('@playwright/test').Locator} button */
async function rowsOf(page, button) {
  const [download] = await Promise.all([page.waitForEvent('download'), button.click()]);
  const text = await readFile(await download.path(), 'utf8');
  const rows = text.trimEnd().split(/\r?\n/).slice(1);
  return { name: download.suggestedFilename(), rows };
}

test('what a mailing has done is told alike by page, API and file', async ({ page }) => {
  const owner = newAddress('anna');
  const subject = `Отчёт ${newAddress('n').split('@')[0]}`;
  const [good, bad] = [newAddress('maria'), newAddress('olga..petrova')]; // two dots: the catcher's server refuses them
  await signUpAndIn(page, owner);
  await page.goto('/recipients');
  await addRecipient(page, { email: good, name: 'Мария' });
  await addRecipient(page, { email: bad, name: 'Ольга' });
  await writeMessage(page, subject);
  await mailNow(page, subject);
  await expect(page.getByText('Завершена')).toBeVisible({ timeout: 30_000 });
  await expect(page.getByRole('region', { name: 'Попытки по дням' })).toContainText('Принято 1, не принято 1');

  const token = await accessToken(owner);
  const { data } = await call('GET', '/stats', { token });
  expect(data.attempts).toEqual({ total: 2, ok: 1, failed: 1 });

  await follow(page.getByRole('link', { name: 'Статистика', exact: true }));
  const cards = page.getByRole('list', { name: 'Главные числа' }).getByRole('listitem');
  for (const [name, number] of [
    ['Писем принято', '1'],
    ['Попытки', '2'],
    ['Не принято', '1'],
    ['Рассылки сейчас', '1'],
    ['Получатели', '2'],
  ])
    await expect(cards.filter({ hasText: name }).locator('.number')).toHaveText(/** @type {string} */ (number));

  const byDay = page.getByRole('region', { name: 'Попытки по дням' });
  await expect(byDay.getByRole('img', { name: 'Попытки по дням' })).toBeVisible();
  await byDay.getByRole('button', { name: 'Таблицей' }).click();
  const rows = byDay.getByRole('row');
  await expect(rows).toHaveCount(1 + data.by_day.length);
  await expect(rows.nth(1).getByRole('cell')).toHaveText(['2', '1', '1']);
  const days = await rowsOf(page, byDay.getByRole('button', { name: /^CSV/ }));
  expect(days.rows).toHaveLength(data.by_day.length);
  expect(days.rows.at(-1)).toBe(`${data.by_day.at(-1).day},2,1,1`);
  expect(days.name).toMatch(/^attempts-by-day_\d{4}-\d\d-\d\d_\d{4}-\d\d-\d\d\.csv$/);

  const mailings = page.getByRole('region', { name: 'Рассылки за период' });
  await expect(mailings.getByRole('row', { name: subject }).getByRole('cell')).toHaveText(['2', '1', '2', '1', '1']);
  const lines = await rowsOf(page, mailings.getByRole('button', { name: /^CSV/ }));
  expect(lines.rows).toHaveLength(1);
  expect(lines.rows[0]).toContain(`,${subject},${owner},1,2,2,1,1,1`);

  await page.getByText('Другой', { exact: true }).click();
  await page.getByLabel('С', { exact: true }).fill('2026-01-10');
  await page.getByLabel('По', { exact: true }).fill('2026-01-01');
  await expect(page.getByRole('alert')).toContainText('Начало должно быть раньше конца');
  await page.goto(`/log?outcome=rejected`);
  await expect(page.getByRole('cell', { name: bad }).first()).toBeVisible();
  const log = await rowsOf(page, page.getByRole('button', { name: /^CSV/ }));
  expect(log.rows).toHaveLength(1);
  expect(log.rows[0]).toContain(bad);
});
