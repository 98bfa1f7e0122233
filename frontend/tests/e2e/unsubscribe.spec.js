// A recipient unsubscribes without an account, in their own language, and is left out from then on.
import { expect, test } from './test.js';

import { checkThemes, checkWidths } from './look.js';
import { follow } from './settled.js';
import { accessToken, addRecipient, call, countOf, mailNow, mailTo, newAddress, signUpAndIn } from './support.js';

test.use({ locale: 'ru-RU', timezoneId: 'Europe/Moscow' });

/** Where the link in a mail's text leads. @param {string} email */
async function unsubscribeLink(email) {
  const { html = '' } = await mailTo(email);
  const [, link = ''] = html.match(/href="([^"]+\/unsubscribe#[\w-]+)"/) ?? [];
  const { pathname, hash } = new URL(link);
  return pathname + hash;
}

test('whoever unsubscribes gets no more mail until their address is taken off the list', async ({ page, browser }) => {
  const [ivan, maria] = [newAddress('ivan'), newAddress('maria')];
  const subject = `Новости ${newAddress('n').split('@')[0]}`;
  await signUpAndIn(page, newAddress('anna'));
  await page.goto('/recipients');
  await addRecipient(page, { email: ivan, name: 'Иван' });
  await addRecipient(page, { email: maria, name: 'Мария' });

  await page.goto('/messages/new');
  await page.getByLabel('Тема').fill(subject);
  await page.getByRole('button', { name: 'Исходный код' }).click();
  const source = page.getByRole('textbox', { name: 'Исходный код HTML' });
  await source.fill('<p>Здравствуйте!</p>');
  await page.getByRole('button', { name: 'Ссылка для отписки' }).click();
  await expect(source).toHaveText(/<a href="\{\{ unsubscribe_url \}\}">Отписаться<\/a>$/);
  await page.getByRole('button', { name: 'Сохранить' }).click();
  await expect(page).toHaveURL(/\/messages\/\d+$/);
  await mailNow(page, subject);
  const mailing = new URL(page.url()).pathname;
  await expect(page.getByText('Завершена')).toBeVisible({ timeout: 30_000 });

  // In a browser of their own, on a phone, in English; opening the link changes nothing.
  const context = await browser.newContext({ locale: 'en-GB', viewport: { width: 360, height: 740 } });
  const theirs = await context.newPage();
  await theirs.goto(await unsubscribeLink(ivan));
  await expect(theirs.getByRole('heading', { name: 'Unsubscribe?' })).toBeVisible();
  await expect(theirs.getByText(ivan)).toBeVisible();
  await theirs.reload();
  await theirs.getByRole('button', { name: 'Unsubscribe' }).click();
  await expect(theirs.getByRole('heading', { name: 'You are unsubscribed' })).toBeVisible();
  await theirs.reload();
  await expect(theirs.getByRole('heading', { name: 'You are unsubscribed' })).toBeVisible();
  // They may change their mind, and change it back.
  await theirs.getByRole('button', { name: 'Subscribe again' }).click();
  await expect(theirs.getByRole('heading', { name: 'You are subscribed again' })).toBeVisible();
  await theirs.reload();
  await theirs.getByRole('button', { name: 'Unsubscribe' }).click();
  await expect(theirs.getByRole('button', { name: 'Subscribe again' })).toBeVisible();
  await checkWidths(theirs, 'somebody unsubscribed');
  await checkThemes(theirs, 'somebody unsubscribed');
  await context.close();

  await page.goto(mailing);
  await sendNow(page);
  const skipped = page.getByRole('region', { name: 'Письма этого запуска' }).getByRole('row', { name: ivan });
  await expect(skipped).toContainText('отписан или заблокирован', { timeout: 30_000 });
  await expect.poll(() => countOf(maria, subject), { timeout: 20_000 }).toBe(2);
  await expect(page.getByText('Завершена')).toBeVisible({ timeout: 30_000 });
  expect(await countOf(ivan, subject)).toBe(1);

  await follow(page.getByRole('link', { name: 'Отписавшиеся' }));
  await expect(page.getByRole('row', { name: ivan })).toContainText('Отписка');
  await page.getByRole('button', { name: `Действия: ${ivan}` }).click();
  await page.getByRole('button', { name: 'Снова писать' }).click();
  const question = page.getByRole('dialog', { name: 'Снова писать на этот адрес?' });
  await question.getByRole('button', { name: 'Снова писать' }).click();
  await expect(page.getByText('В списке никого нет')).toBeVisible();
  await page.goto(mailing);
  await sendNow(page);
  await expect.poll(() => countOf(ivan, subject), { timeout: 20_000 }).toBe(2);
});

test('what the sender has stopped the reader cannot take back', async ({ page, browser }) => {
  const [anna, ivan] = [newAddress('anna'), newAddress('ivan')];
  const subject = `Новости ${newAddress('n').split('@')[0]}`;
  await signUpAndIn(page, anna);
  const token = await accessToken(anna);
  await call('POST', '/recipients', { token, body: { email: ivan, full_name: 'Иван' } });
  await call('POST', '/messages', { token, body: { subject, html: '<a href="{{ unsubscribe_url }}">Отписаться</a>' } });
  await mailNow(page, subject);
  const context = await browser.newContext({ locale: 'ru-RU', reducedMotion: 'reduce' });
  const theirs = await context.newPage();
  await theirs.goto(await unsubscribeLink(ivan));
  await theirs.getByRole('button', { name: 'Отписаться' }).click();
  await expect(theirs.getByRole('heading', { name: 'Вы отписались' })).toBeVisible();

  // Meanwhile the sender has taken that off the list, and put it on again by hand.
  const { data } = await call('GET', '/suppressions', { token });
  await call('DELETE', `/suppressions/${data.items[0].id}`, { token });
  await call('POST', '/suppressions', { token, body: { email: ivan } });
  await theirs.getByRole('button', { name: 'Подписаться снова' }).click();
  await expect(theirs.getByRole('alert')).toContainText('возобновить их может только отправитель');
  await theirs.reload();
  await expect(theirs.getByRole('heading', { name: 'Рассылки к вам не приходят' })).toBeVisible();
  await expect(theirs.locator('form').getByRole('button')).toHaveCount(0);
  await checkWidths(theirs, 'mailings that the sender has stopped');
  await checkThemes(theirs, 'mailings that the sender has stopped');
  await context.close();
});

test('a link that is not known is said so', async ({ page }) => {
  await page.goto('/unsubscribe#there-is-no-such-token');
  await expect(page.getByRole('heading', { name: 'Ссылка не работает' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Отписаться' })).toHaveCount(0);
});

/** @param {import('@playwright/test').Page} page */
async function sendNow(page) {
  await page.getByRole('button', { name: 'Отправить сейчас' }).click();
  await page
    .getByRole('dialog', { name: 'Отправить сейчас?' })
    .getByRole('button', { name: 'Отправить сейчас' })
    .click();
}
