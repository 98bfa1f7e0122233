// Managers and administrators: stopping somebody else's mailing, seeing without changing, accounts, roles, the journal. In Russian.
import { expect, test } from './test.js';

import {
  accessToken,
  addRecipient,
  addressesOf,
  call,
  countOf,
  mailNow,
  newAddress,
  signIn,
  signUpAndIn,
  signUpStaff,
  writeMessage,
} from './support.js';

test.use({ locale: 'ru-RU', timezoneId: 'Europe/Moscow' });

/** Long enough to be stopped on the way: the tests' service is told to send twenty-five a second. */
const MANY = 400;
const AT_ONCE = 20;
const unique = (/** @type {string} */ words) => `${words} ${newAddress('n').split('@')[0]}`;

/** @param {import('@playwright/test').Browser} browser */
const newPage = async (browser) =>
  (await browser.newContext({ locale: 'ru-RU', timezoneId: 'Europe/Moscow' })).newPage();

test('a manager stops a running mailing, its owner reads why, and nobody gets it twice', async ({ page, browser }) => {
  test.setTimeout(240_000);
  const owner = newAddress('anna');
  const [subject, other] = [unique('Распродажа'), unique('Новости')];
  const people = Array.from({ length: MANY }, (_, at) => newAddress(`person${at}`));
  await signUpAndIn(page, owner);
  const manager = await newPage(browser);
  await signUpStaff(manager, newAddress('maxim'));
  const token = await accessToken(owner);
  const left = [...people];
  while (left.length) {
    const created = await Promise.all(
      left.splice(0, AT_ONCE).map((email) => call('POST', '/recipients', { token, body: { email } })),
    );
    expect(created.every(({ status }) => status === 201)).toBe(true);
  }
  await writeMessage(page, other);
  await writeMessage(page, subject);
  await mailNow(page, subject);
  const mailing = new URL(page.url()).pathname;

  await manager.goto(mailing);
  await expect(manager.getByText(owner)).toBeVisible();
  await expect(manager.getByRole('link', { name: 'Изменить' })).toHaveCount(0);
  await expect(manager.getByRole('button', { name: 'Приостановить' })).toHaveCount(0);
  await manager.getByRole('button', { name: 'Отключить' }).click();
  const panel = manager.getByRole('dialog', { name: 'Отключить рассылку' });
  await panel.getByLabel('Причина').fill('Жалобы получателей');
  await panel.getByRole('button', { name: 'Отключить' }).click();
  await expect(manager.getByText('Вы отключили эту рассылку')).toBeVisible();

  await expect(page.getByText('Рассылку отключил менеджер')).toBeVisible();
  await expect(page.getByText('Причина: Жалобы получателей')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Включить' })).toHaveCount(0);

  // The engine is at work all the while: another mailing goes out, to the last.
  const writer = newAddress('boris');
  const theirs = await newPage(browser);
  await signUpAndIn(theirs, writer);
  await theirs.goto('/recipients');
  await addRecipient(theirs, { email: writer, name: 'Борис' });
  const stopped = (await addressesOf(subject)).length;
  await writeMessage(theirs, other);
  await mailNow(theirs, other);
  await expect.poll(() => countOf(writer, other), { timeout: 20_000 }).toBe(1);
  expect((await addressesOf(subject)).length).toBe(stopped);
  expect(stopped).toBeLessThan(MANY);
  await theirs.context().close();

  await manager.getByRole('button', { name: 'Включить' }).click();
  await manager.getByRole('dialog', { name: 'Продолжить отправку?' }).getByRole('button', { name: 'Включить' }).click();
  await expect(page.getByText('Завершена')).toBeVisible({ timeout: 60_000 });
  await expect(page.getByText('Рассылку отключил менеджер')).toHaveCount(0);
  expect((await addressesOf(subject)).sort()).toEqual([...people].sort());
  await manager.context().close();
});

test('a manager sees what others have and can make or change nothing', async ({ page, browser }) => {
  const owner = newAddress('vera');
  const email = newAddress('ivan');
  const subject = unique('Каталог');
  const owners = await newPage(browser);
  await signUpAndIn(owners, owner);
  await owners.goto('/recipients');
  await addRecipient(owners, { email, name: 'Иван Петров' });
  await writeMessage(owners, subject);
  const message = new URL(owners.url()).pathname;
  await mailNow(owners, subject);
  await expect(owners.getByText('Завершена')).toBeVisible({ timeout: 30_000 });
  await owners.context().close();

  await signUpStaff(page, newAddress('maxim'));
  const menu = page.getByRole('navigation', { name: 'Главное меню' });
  await expect(menu.getByRole('link', { name: 'Пользователи' })).toBeVisible();
  await expect(menu.getByRole('link', { name: 'Создать рассылку' })).toHaveCount(0);
  for (const path of ['/recipients', '/messages', '/mailings', '/suppressions']) {
    await page.goto(path);
    await page.getByRole('combobox', { name: 'Владелец' }).fill(owner);
    await page.getByRole('option', { name: owner }).click();
    await expect(page).toHaveURL(/owner_id=\d+/);
    await expect(page.getByRole('button', { name: /^(Добавить|Заблокировать)/ })).toHaveCount(0);
    await expect(page.getByRole('link', { name: /^Нов(ое|ая)/ })).toHaveCount(0);
  }
  await page.goto('/recipients');
  await page.getByRole('searchbox').fill(email);
  const row = page.getByRole('row', { name: email });
  await expect(row).toContainText(owner);
  await expect(row.getByRole('checkbox')).toHaveCount(0);
  await row.getByRole('button', { name: `Действия: ${email}` }).click();
  await page.getByRole('button', { name: 'Открыть' }).click();
  await expect(page.getByRole('dialog', { name: 'Получатель' })).toContainText('Иван Петров');

  await page.goto(message);
  await expect(page.frameLocator('iframe').getByText('Здравствуйте,')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Сохранить' })).toHaveCount(0);
  await page.getByRole('combobox', { name: 'Глазами получателя' }).click();
  await page.getByRole('option', { name: email }).click();
  await expect(page.frameLocator('iframe').getByText('Здравствуйте, Иван Петров')).toBeVisible();

  await page.goto('/log');
  await page.getByRole('combobox', { name: 'Владелец' }).fill(owner);
  await page.getByRole('option', { name: owner }).click();
  await expect(page.getByRole('row', { name: email })).toContainText('Принято');
  await page.goto('/mailings/new');
  await expect(page.getByRole('heading', { name: 'Здесь ничего нет' })).toBeVisible();
});

test('a blocked user is out at once and in again later, and the journal tells of both', async ({ page, browser }) => {
  const email = newAddress('gleb');
  const theirs = await newPage(browser);
  await signUpAndIn(theirs, email);
  await signUpStaff(page, newAddress('maxim'));
  await page.goto('/users');
  await page.getByRole('searchbox').fill(email);
  const row = page.getByRole('row', { name: email });
  await expect(row).toContainText('Активен');
  await row.getByRole('button', { name: `Действия: ${email}` }).click();
  await expect(page.getByRole('button', { name: 'Сделать менеджером' })).toHaveCount(0);
  await page.getByRole('button', { name: 'Заблокировать' }).click();
  const panel = page.getByRole('dialog', { name: 'Заблокировать пользователя' });
  await panel.getByLabel('Причина').fill('Рассылает чужие адреса');
  await panel.getByRole('button', { name: 'Заблокировать' }).click();
  await expect(row).toContainText('Заблокирован');
  await expect(row).toContainText('Рассылает чужие адреса');
  await theirs.reload();
  await expect(theirs.getByRole('heading', { name: 'Вход' })).toBeVisible();

  await page.getByLabel('Состояние').selectOption({ label: 'Заблокирован' });
  await expect(page).toHaveURL(/blocked=yes/);
  await row.getByRole('button', { name: `Действия: ${email}` }).click();
  await page.getByRole('button', { name: 'Разблокировать' }).click();
  await page.getByRole('dialog', { name: 'Разблокировать?' }).getByRole('button', { name: 'Разблокировать' }).click();
  await expect(page.getByText('Ничего не найдено')).toBeVisible();
  await signIn(theirs, email);
  await theirs.context().close();

  await page.goto('/events');
  await page.getByLabel('Событие').selectOption({ label: 'Пользователь заблокирован' });
  await expect(page).toHaveURL(/kind=user_blocked/);
  const entry = page.getByRole('row', { name: email }).first();
  await expect(entry).toContainText('Рассылает чужие адреса');
  await page.reload();
  await expect(entry).toBeVisible();
});

test('an administrator gives a role, and the menu follows it', async ({ page, browser }) => {
  const email = newAddress('dina');
  const theirs = await newPage(browser);
  await signUpAndIn(theirs, email);
  await signUpStaff(page, newAddress('alla'), 'admin');
  await page.goto(`/users?q=${email}`);
  await page.getByRole('button', { name: `Действия: ${email}` }).click();
  await page.getByRole('button', { name: 'Сделать менеджером' }).click();
  await page
    .getByRole('dialog', { name: 'Сделать менеджером?' })
    .getByRole('button', { name: 'Сделать менеджером' })
    .click();
  await expect(page.getByRole('row', { name: email })).toContainText('Менеджер');
  await theirs.reload();
  await signIn(theirs, email);
  await expect(theirs.getByRole('navigation', { name: 'Главное меню' })).toContainText('События');
  await theirs.goto('/events');
  await expect(theirs.getByRole('heading', { name: 'События' })).toBeVisible();
  await theirs.context().close();
});

test('a user finds neither accounts nor the journal', async ({ page }) => {
  await signUpAndIn(page, newAddress('egor'));
  await expect(
    page.getByRole('navigation', { name: 'Главное меню' }).getByRole('link', { name: 'События' }),
  ).toHaveCount(0);
  for (const path of ['/users', '/events']) {
    await page.goto(path);
    await expect(page.getByRole('heading', { name: 'Здесь ничего нет' })).toBeVisible();
  }
});
