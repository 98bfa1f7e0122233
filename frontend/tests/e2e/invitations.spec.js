// An administrator invites somebody, who opens an account with the mailed link; an invitation can be withdrawn. In Russian.
import { expect, test } from './test.js';

import { PASSWORD, giveRole, mailsTo, newAddress, signIn, signUpAndIn } from './support.js';

test.use({ locale: 'ru-RU', timezoneId: 'Europe/Moscow' });

/** Where the link of an invitation leads. @param {string} address */
async function invitationLink(address) {
  let found = '';
  const look = async () => {
    const texts = (await mailsTo(address)).map(({ text = '' }) => text).join(' ');
    [found = ''] = texts.match(/https?:\/\/\S+?\/sign-up#invitation=\S+/) ?? [];
    return found;
  };
  await expect.poll(look, { message: `an invitation of ${address}`, timeout: 20_000 }).not.toBe('');
  const { pathname, hash } = new URL(found);
  return pathname + hash;
}

/** @param {import('@playwright/test').Page} page */
async function asAdministrator(page) {
  const email = newAddress('olga');
  await signUpAndIn(page, email);
  await giveRole(email, 'admin');
  await page.goto('/sign-in');
  await signIn(page, email);
  await page.goto('/users');
}

/** @param {import('@playwright/test').Page} page @param {string} email */
async function invite(page, email) {
  await page.getByRole('button', { name: 'Пригласить' }).click();
  const panel = page.getByRole('dialog');
  await panel.getByLabel('Эл. почта').fill(email);
  await panel.getByRole('button', { name: 'Отправить приглашение' }).click();
  await expect(panel).toBeHidden();
  return page.getByRole('region', { name: 'Открытые приглашения' }).getByRole('row').filter({ hasText: email });
}

test('whoever is invited opens an account with the mailed link and signs in', async ({ page, browser }) => {
  await asAdministrator(page);
  const email = newAddress('guest');
  await expect(await invite(page, email)).toBeVisible();

  const guest = await (await browser.newContext({ locale: 'ru-RU' })).newPage();
  await guest.goto(await invitationLink(email));
  await expect(guest.getByText('Вас пригласили')).toBeVisible();
  await expect(guest.getByLabel('Эл. почта')).toHaveValue(email);
  await guest.getByLabel('Пароль').fill(PASSWORD);
  await guest.getByRole('button', { name: 'Зарегистрироваться' }).click();
  await expect(guest.getByRole('heading', { name: 'Вход' })).toBeVisible();
  await expect(guest.getByLabel('Эл. почта')).toHaveValue(email);
  await signIn(guest, email);
  await guest.context().close();

  await page.reload();
  await expect(page.getByRole('cell', { name: email }).first()).toBeVisible();
  await expect(page.getByRole('button', { name: `Отозвать приглашение для ${email}` })).toHaveCount(0);
});

test('a withdrawn invitation opens no account', async ({ page, browser }) => {
  await asAdministrator(page);
  const email = newAddress('guest');
  const row = await invite(page, email);
  const link = await invitationLink(email);
  await row.getByRole('button', { name: 'Отозвать' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Отозвать' }).click();
  await expect(row).toHaveCount(0);

  const guest = await (await browser.newContext({ locale: 'ru-RU' })).newPage();
  await guest.goto(link);
  await guest.getByLabel('Пароль').fill(PASSWORD);
  await guest.getByRole('button', { name: 'Зарегистрироваться' }).click();
  await expect(guest.getByRole('alert')).toContainText('Ссылка уже использована или устарела');
  await guest.context().close();
});
