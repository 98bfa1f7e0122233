// A letter in the browser of its reader, who has no account: as it came by mail, with its links, and no script of it runs.
import { expect, test } from './test.js';

import { checkAccessibility, checkThemes, checkWidths } from './look.js';
import { follow } from './settled.js';
import { accessToken, addRecipient, call, mailNow, mailTo, newAddress, signUpAndIn } from './support.js';

test.use({ locale: 'ru-RU', timezoneId: 'Europe/Moscow' });

/** Where the link in a mail leads that shows it in a browser. @param {string} email */
async function letterLink(email) {
  const { html = '', text = '' } = await mailTo(email);
  const [link = ''] = `${html} ${text}`.match(/https?:\/\/[^"\s]+\/letter#[\w-]+/) ?? [];
  const { pathname, hash } = new URL(link);
  return pathname + hash;
}

test('a letter is in the browser what it is in the mail', async ({ page, browser }) => {
  const ivan = newAddress('ivan');
  const subject = `Новости ${newAddress('n').split('@')[0]}`;
  await signUpAndIn(page, newAddress('anna'));
  await page.goto('/recipients');
  await addRecipient(page, { email: ivan, name: 'Иван' });

  await page.goto('/messages/new');
  await page.getByLabel('Тема').fill(subject);
  await page.getByRole('button', { name: 'Исходный код' }).click();
  const source = page.getByRole('textbox', { name: 'Исходный код HTML' });
  const script = '<script>document.body.remove()</script>';
  const picture = '<img alt="Зал" src="https://127.0.0.1:9/hall.png">';
  await source.fill(`<h1>Здравствуйте, {{ full_name }}!</h1>${script}<p>Скидки до конца недели. ${picture}</p>`);
  await page.getByRole('button', { name: 'Ссылка на веб-версию' }).click();
  await expect(source).toHaveText(/<a href="\{\{ view_url \}\}">Открыть в браузере<\/a>$/);
  await page.getByRole('button', { name: 'Ссылка для отписки' }).click();
  await expect(page.frameLocator('iframe').getByRole('link', { name: 'Открыть в браузере' })).toHaveAttribute(
    'href',
    /\/letter#example$/,
  );
  await page.getByRole('button', { name: 'Сохранить' }).click();
  await expect(page).toHaveURL(/\/messages\/\d+$/);
  await mailNow(page, subject);

  // In a browser of their own.
  const context = await browser.newContext({ locale: 'ru-RU', reducedMotion: 'reduce' });
  const theirs = await context.newPage();
  const said = /** @type {string[]} */ ([]);
  theirs.on('console', (message) => said.push(message.text()));
  await theirs.goto(await letterLink(ivan));
  await expect(theirs.getByRole('heading', { name: subject })).toBeVisible();
  await expect(theirs.getByText(ivan)).toBeVisible();
  await expect(theirs.getByText('no-reply@')).toBeVisible();
  await expect(theirs.getByText('Отправлено')).toBeVisible({ timeout: 20_000 });
  const frame = theirs.frameLocator('iframe');
  await expect(frame.getByRole('heading', { name: 'Здравствуйте, Иван!' })).toBeVisible();
  await expect(frame.getByText('Скидки до конца недели.')).toBeVisible();
  // Its pictures are asked for where they are; that nobody is there is another matter.
  await expect.poll(() => said.join('\n')).toContain('net::ERR_');
  expect(said.join('\n')).not.toContain('Content Security Policy');
  await expect(theirs.locator('iframe')).toHaveAttribute('sandbox', 'allow-popups allow-popups-to-escape-sandbox');
  await checkWidths(theirs, 'a letter');
  await checkThemes(theirs, 'a letter');

  // A page that does not let itself be framed opens beside the letter, outside of its sandbox.
  const opened = theirs.waitForEvent('popup');
  // eslint-disable-next-line no-restricted-syntax -- this page stays: another one opens
  await frame.getByRole('link', { name: 'Отписаться' }).click();
  const beside = await opened;
  await expect(beside.getByRole('heading', { name: 'Отписаться?' })).toBeVisible();
  await expect(beside.getByText(ivan)).toBeVisible();
  await follow(theirs.getByRole('link', { name: 'Отписаться' }));
  await expect(theirs.getByRole('heading', { name: 'Отписаться?' })).toBeVisible();
  await theirs.goBack();
  await expect(theirs.getByRole('heading', { name: subject })).toBeVisible();
  await context.close();
});

test('a letter in plain text is shown as text, in the language of its reader', async ({ page, browser }) => {
  const [anna, maria] = [newAddress('anna'), newAddress('maria')];
  await signUpAndIn(page, anna);
  const token = await accessToken(anna);
  /** @param {string} path @param {object} body */
  const create = async (path, body) => (await call('POST', path, { token, body })).data.id;
  const recipient = await create('/recipients', { email: maria, full_name: 'Maria' });
  const text = 'Dear {{ full_name }},\n\n  * news <b>\n\n{{ view_url }}';
  const message = await create('/messages', { subject: 'Plain news', text });
  await create('/mailings', {
    message_id: message,
    recipients: { ids: [recipient] },
    starts_at: new Date(Date.now() - 60_000).toISOString(),
    recurrence: 'once',
    time_zone: 'Europe/Moscow',
  });
  const context = await browser.newContext({ locale: 'en-GB', viewport: { width: 360, height: 740 } });
  const theirs = await context.newPage();
  await theirs.goto(await letterLink(maria));
  await expect(theirs.getByRole('heading', { name: 'Plain news' })).toBeVisible();
  await expect(theirs.locator('pre')).toContainText('Dear Maria,\n\n  * news <b>\n');
  await expect(theirs.getByText('Enough of these letters?')).toBeVisible();
  await expect(theirs.locator('iframe')).toHaveCount(0);
  await checkAccessibility(theirs, 'a letter in plain text');
  await context.close();
});

test('a mail that is no longer kept is said so, and its reader may still unsubscribe', async ({ page }) => {
  const body = JSON.stringify({ code: 'mail_not_kept', fields: [] });
  await page.route('**/api/v1/letters/*', (route) =>
    route.fulfill({ status: 410, contentType: 'application/problem+json', body }),
  );
  await page.goto('/letter#some-token');
  await expect(page.getByRole('heading', { name: 'Это письмо больше не хранится' })).toBeVisible();
  await follow(page.getByRole('link', { name: 'Отписаться' }));
  await expect(page).toHaveURL(/\/unsubscribe#some-token$/);
});

test('a link that is not known is said so, and what could not be loaded is asked for again', async ({ page }) => {
  await page.goto('/letter#there-is-no-such-token');
  await expect(page.getByRole('heading', { name: 'Письмо не открывается' })).toBeVisible();
  await page.route('**/api/v1/letters/*', (route) => route.abort());
  await page.goto('/letter#another-token');
  await expect(page.getByText('Не удалось загрузить')).toBeVisible();
  await page.unroute('**/api/v1/letters/*');
  await page.getByRole('button', { name: 'Попробовать снова' }).click();
  await expect(page.getByRole('heading', { name: 'Письмо не открывается' })).toBeVisible();
});
