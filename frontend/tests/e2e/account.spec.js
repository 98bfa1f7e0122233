// One's own account: a forgotten password, another password or address, devices, API tokens, a picture. In Russian.
import { expect, test } from './test.js';

import { follow } from './settled.js';
import { PASSWORD, call, mailedLink, newAddress, signIn, signUpAndIn } from './support.js';

test.use({ locale: 'ru-RU', timezoneId: 'Europe/Moscow' });

const OTHER = 'шесть рыжих лисиц';

test('a forgotten password is replaced by a mailed link, once', async ({ page, browser }) => {
  const email = newAddress('anna');
  await signUpAndIn(page, email);
  const elsewhere = await (await browser.newContext({ locale: 'ru-RU' })).newPage();
  await elsewhere.goto('/sign-in');
  await follow(elsewhere.getByRole('link', { name: 'Забыли пароль?' }));

  // An address without an account is told the same.
  for (const address of [newAddress('nobody'), email]) {
    await elsewhere.getByLabel('Эл. почта').fill(address);
    await elsewhere.getByRole('button', { name: 'Прислать ссылку' }).click();
    await expect(elsewhere.getByRole('status').filter({ hasText: address })).toContainText(
      'письмо со ссылкой уже в пути',
    );
    await elsewhere.getByRole('button', { name: 'Указать другой адрес' }).click();
  }
  const link = await mailedLink(email, 'reset');
  await elsewhere.goto(link);
  await elsewhere.getByLabel('Новый пароль').fill('12345678');
  await elsewhere.getByRole('button', { name: 'Сменить пароль' }).click();
  await expect(elsewhere.getByText('Слишком простой')).toBeVisible();
  await elsewhere.getByLabel('Новый пароль').fill(OTHER);
  await elsewhere.getByRole('button', { name: 'Сменить пароль' }).click();
  await expect(elsewhere.getByRole('heading', { name: 'Пароль изменён' })).toBeVisible();

  await follow(elsewhere.getByRole('main').getByRole('link', { name: 'Вход' }));
  await elsewhere.getByLabel('Эл. почта').fill(email);
  await elsewhere.getByLabel('Пароль').fill(PASSWORD);
  await elsewhere.getByRole('button', { name: 'Войти' }).click();
  await expect(elsewhere.getByRole('alert')).toContainText('Неверный адрес или пароль');
  await signIn(elsewhere, email, OTHER);

  // Where one was signed in before, one is no longer; the link is spent.
  await page.reload();
  await expect(page.getByRole('heading', { name: 'Вход' })).toBeVisible();
  await page.goto(link);
  await page.getByLabel('Новый пароль').fill(PASSWORD);
  await page.getByRole('button', { name: 'Сменить пароль' }).click();
  await expect(page.getByRole('alert')).toContainText('Ссылка уже использована или устарела');
  await elsewhere.context().close();
});

test('another password signs all other devices out, and a device can be signed out alone', async ({
  page,
  browser,
}) => {
  const email = newAddress('boris');
  await signUpAndIn(page, email);
  const phone = await (await browser.newContext({ locale: 'ru-RU' })).newPage();
  await phone.goto('/sign-in');
  await signIn(phone, email);

  await page.goto('/profile/sessions');
  const devices = page.getByRole('list', { name: 'Устройства' }).getByRole('listitem');
  await expect(devices).toHaveCount(2);
  await expect(devices.filter({ hasText: 'Это устройство' })).toHaveCount(1);
  await devices.getByRole('button', { name: /^Выйти там/ }).click();
  const question = page.getByRole('dialog', { name: 'Выйти на этом устройстве?' });
  await question.getByRole('button', { name: 'Выйти там' }).click();
  await expect(devices).toHaveCount(1);
  await phone.reload();
  await expect(phone.getByRole('heading', { name: 'Вход' })).toBeVisible();

  await signIn(phone, email);
  await follow(page.getByRole('link', { name: 'Вход и пароль' }));
  const form = page.getByRole('form', { name: 'Сменить пароль' });
  await form.getByLabel('Текущий пароль').fill('совсем не он');
  await form.getByLabel('Новый пароль').fill(OTHER);
  await form.getByRole('button', { name: 'Сменить пароль' }).click();
  await expect(form.getByText('Это не ваш пароль')).toBeVisible();
  await form.getByLabel('Текущий пароль').fill(PASSWORD);
  await form.getByRole('button', { name: 'Сменить пароль' }).click();
  await expect(page.getByText('Пароль изменён')).toBeVisible();
  await page.reload();
  await expect(page.getByRole('heading', { name: 'Профиль' })).toBeVisible();
  await phone.reload();
  await expect(phone.getByRole('heading', { name: 'Вход' })).toBeVisible();
  await signIn(phone, email, OTHER);
  await phone.context().close();
});

test('another address counts when its link has been opened', async ({ page }) => {
  const [old, next] = [newAddress('vera'), newAddress('vera.new')];
  await signUpAndIn(page, old);
  await page.goto('/profile/security');
  const form = page.getByRole('form', { name: 'Сменить адрес' });
  await form.getByLabel('Новый адрес').fill(next);
  await form.getByLabel('Текущий пароль').fill(PASSWORD);
  await form.getByRole('button', { name: 'Прислать ссылку' }).click();
  await expect(form.getByRole('status')).toContainText(next);
  await page.reload();
  await expect(page.getByRole('main')).toContainText(old);

  await page.goto(await mailedLink(next, 'confirm'));
  await page.getByRole('button', { name: 'Подтвердить' }).click();
  await expect(page.getByRole('heading', { name: 'Адрес подтверждён' })).toBeVisible();
  await page.context().clearCookies();
  await page.goto('/sign-in');
  await signIn(page, next);
});

test('an API token is shown once, does what it may, and can be revoked', async ({ page }) => {
  await signUpAndIn(page, newAddress('gleb'));
  await page.goto('/profile/tokens');
  await page.getByRole('button', { name: 'Создать токен' }).click();
  await page.getByLabel('Название').fill('Отчёты');
  await page.getByLabel('Что можно').selectOption({ label: 'Только читать' });
  await page.getByRole('button', { name: 'Создать', exact: true }).click();
  const panel = page.getByRole('dialog', { name: 'Токен создан' });
  const token = await panel.getByLabel('Токен «Отчёты»').inputValue();
  expect(token).toMatch(/^dsp_\S{20,}$/);
  await panel.getByRole('button', { name: 'Копировать' }).click();
  await expect(panel.getByRole('button', { name: 'Скопировано' })).toBeVisible();
  await panel.getByRole('button', { name: 'Готово, сохранил' }).click();
  await expect(panel).toBeHidden();
  await page.reload();
  await expect(page.getByRole('row', { name: 'Отчёты' })).toContainText('Чтение');
  await expect(page.locator(`text=${token}`)).toHaveCount(0);

  const body = { email: newAddress('ivan') };
  expect((await call('GET', '/recipients', { token })).status).toBe(200);
  expect(await call('POST', '/recipients', { token, body })).toMatchObject({
    status: 403,
    data: { code: 'token_read_only' },
  });
  await page.getByRole('button', { name: 'Отозвать: Отчёты' }).click();
  await page
    .getByRole('dialog', { name: 'Отозвать токен?' })
    .getByRole('button', { name: 'Отозвать', exact: true })
    .click();
  await expect(page.getByText('Токенов пока нет')).toBeVisible();
  await expect.poll(async () => (await call('GET', '/recipients', { token })).status, { timeout: 10_000 }).toBe(401);
});

test('a picture is looked at before it is stored, and can be taken away', async ({ page }) => {
  await signUpAndIn(page, newAddress('dina'));
  await page.goto('/profile');
  const group = page.getByRole('group', { name: 'Изображение' });
  const stored = page.locator('img[src^="/api/v1/avatars/"]');

  await group
    .getByLabel('Изображение')
    .setInputFiles({ name: 'a.svg', mimeType: 'image/svg+xml', buffer: Buffer.from('<svg/>') });
  await expect(group.getByRole('alert')).toBeVisible();
  await group.getByLabel('Изображение').setInputFiles({ name: 'a.png', mimeType: 'image/png', buffer: PIXEL });
  await expect(group.locator('img[src^="blob:"]')).toBeVisible();
  await expect(stored).toHaveCount(0);
  await group.getByRole('button', { name: 'Сохранить изображение' }).click();
  await expect(stored).toHaveCount(2); // here and in the menu
  await page.reload();
  await expect(stored).toHaveCount(2);
  const width = () => stored.first().evaluate((/** @type {HTMLImageElement} */ image) => image.naturalWidth);
  await expect.poll(width).toBe(256);
  await group.getByRole('button', { name: 'Убрать' }).click();
  await expect(stored).toHaveCount(0);
});

/** One orange pixel. */
const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==',
  'base64',
);
