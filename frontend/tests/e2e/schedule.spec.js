// A mailing whose first date falls into the hour that the clocks skip: what was typed stays, and the page says what moves. In
// Russian; the browser's own clock is in Moscow, the mailing's in New York.
import { accessToken, beginMailing, call, fillStart, newAddress, signUpAndIn, writeMessage } from './support.js';
import { expect, test } from './test.js';

test.use({ locale: 'ru-RU', timezoneId: 'Europe/Moscow' });

test('a first date in the skipped hour moves alone, is noted, and comes back as it was typed', async ({ page }) => {
  const me = newAddress('anna');
  const subject = `Новости недели ${me.split('@')[0]}`;
  await signUpAndIn(page, me);
  const token = await accessToken(me);
  await call('POST', '/recipients', { token, body: { email: newAddress('ivan') } });
  await writeMessage(page, subject);
  await beginMailing(page, subject);
  await page.getByLabel('Все', { exact: true }).check();
  await page.getByLabel('Каждую неделю').check();
  await page.getByLabel('В назначенное время').check();
  await page.getByRole('combobox', { name: 'Часовой пояс' }).fill('New_York');
  await page.getByRole('option', { name: 'America/New_York' }).click();
  await fillStart(page.getByLabel('Первая отправка'), '2027-03-14T02:30');

  const dates = page.locator('ol.dates').getByRole('listitem');
  await expect(dates.first()).toContainText('03:30');
  await expect(dates.first()).toContainText('время сдвинуто');
  await expect(dates.nth(1)).toContainText('02:30');
  await expect(dates.nth(1)).not.toContainText('сдвинуто');
  const sentence = page.getByRole('status', { name: 'Одной фразой' });
  await expect(sentence).toContainText('Каждое воскресенье в 02:30');
  await expect(sentence).toContainText('только в этот день');

  await page.getByRole('button', { name: /^Запланировать: / }).click();
  await expect(page).toHaveURL(/\/mailings\/\d+$/);
  const id = page.url().split('/').at(-1);
  const { data } = await call('GET', `/mailings/${id}`, { token });
  expect([data.starts_at, data.starts_at_local]).toEqual(['2027-03-14T07:30:00Z', '2027-03-14T02:30:00']);
  await page.goto(`/mailings/${id}/edit`);
  await expect(page.getByLabel('Первая отправка')).toHaveValue('2027-03-14T02:30');
});
