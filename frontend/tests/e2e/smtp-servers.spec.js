// A mail server of one's own: trying it until it works, mailing through it, what keeps it from being deleted. In Russian.
import { expect, test } from './test.js';

import { checkThemes } from './look.js';
import { follow, openSettled, settled } from './settled.js';
import {
  accessToken,
  addRecipient,
  addressesOf,
  beginMailing,
  call,
  newAddress,
  sendWritten,
  signUpAndIn,
  signUpStaff,
  writeMessage,
} from './support.js';
import { untranslatedOn } from './words.js';

// Without motion: a button that still changes its colour has no contrast yet.
const contextOptions = /** @type {const} */ ({ reducedMotion: 'reduce' });
test.use({ locale: 'ru-RU', timezoneId: 'Europe/Moscow', contextOptions });

const PORT = process.env.E2E_OWN_SMTP_PORT ?? '';
const PASSWORD = process.env.E2E_OWN_SMTP_PASSWORD ?? '';
const MAIL_URL = process.env.E2E_OWN_MAIL_URL ?? '';
const SENDER = 'news@shop.example';
const unique = (/** @type {string} */ words) => `${words} ${newAddress('n').split('@')[0]}`;

/** What has come through the server of one's own. @param {string} subject @returns {Promise<any[]>} */
async function mailsThrough(subject) {
  const response = await fetch(`${MAIL_URL}/api/email`);
  return (await response.json()).filter((/** @type {{subject: string}} */ mail) => mail.subject === subject);
}

/** The form with a server that works but for its password. @param {import('@playwright/test').Page} page @param {string} name @param {string} password */
async function fillServer(page, name, password) {
  await openSettled(page, '/profile/smtp-servers');
  await page.getByRole('button', { name: 'Добавить сервер' }).click();
  const panel = page.getByRole('dialog', { name: 'Новый почтовый сервер' });
  await panel.getByLabel('Название').fill(name);
  await panel.getByLabel('Сервер', { exact: true }).fill('127.0.0.1');
  await panel.getByLabel('Шифрование').selectOption({ label: 'Нет' });
  await panel.getByLabel('Порт').fill(PORT);
  await panel.getByLabel('Имя пользователя').fill('news');
  await panel.getByLabel('Пароль').fill(password);
  await panel.getByLabel('Отправитель', { exact: true }).fill(SENDER);
  await panel.getByLabel('Имя отправителя').fill('Лавка');
  return panel;
}

test('a wrong password is told with the words of the server, and the right one makes it work', async ({ page }) => {
  await signUpAndIn(page, newAddress('anna'));
  const name = unique('Лавка');
  const panel = await fillServer(page, name, 'not this one');
  await panel.getByRole('button', { name: 'Сохранить и проверить' }).click();
  const trial = page.getByRole('dialog', { name: 'Проверить соединение' });
  await expect(trial.getByText('Сервер не принимает имя пользователя или пароль')).toBeVisible({ timeout: 20_000 });
  await expect(trial.locator('pre')).toHaveText(/^535/);
  const steps = trial.getByRole('list', { name: 'Путь к серверу' }).getByRole('listitem');
  await expect(steps.filter({ hasText: 'Соединение' })).toContainText('пройдено');
  await expect(steps.filter({ hasText: 'Вход' })).toContainText('здесь не получилось');
  await expect(steps.filter({ hasText: 'Называем отправителя' })).toContainText('не дошло');
  await expect(steps.filter({ hasText: 'Шифрование' })).toHaveCount(0);
  await checkThemes(page, 'what a test has found');
  expect(await untranslatedOn(page)).toEqual([]);

  await trial.getByRole('button', { name: 'Изменить настройки' }).click();
  const form = page.getByRole('dialog', { name: 'Изменить почтовый сервер' });
  await expect(form.getByLabel('Пароль')).toHaveValue('');
  await expect(form.getByText('чтобы сохранить прежний').first()).toBeVisible();
  await form.getByLabel('Пароль').fill(PASSWORD);
  await form.getByRole('button', { name: 'Сохранить и проверить' }).click();
  await expect(trial.getByText('через этот сервер можно отправлять письма')).toBeVisible({ timeout: 20_000 });
  await trial.getByRole('button', { name: 'Закрыть', exact: true }).last().click();
  await expect(trial).toBeHidden();
  const row = page.getByRole('row', { name });
  await expect(row).toContainText(`127.0.0.1:${PORT}`);
  await expect(row).toContainText(SENDER);
  await expect(row).not.toContainText('Ни разу');
});

test('a mailing goes through the chosen server under its sender, and the server stays while it does', async ({
  page,
  browser,
}) => {
  const owner = newAddress('boris');
  const email = newAddress('reader');
  const [subject, name] = [unique('Каталог'), unique('Лавка')];
  await signUpAndIn(page, owner);
  await page.goto('/recipients');
  await addRecipient(page, { email, name: 'Читатель' });
  await writeMessage(page, subject);

  await beginMailing(page, subject);
  await settled(page);
  await expect(page.getByLabel('Почтовый сервер')).toHaveCount(0);
  const panel = await fillServer(page, name, PASSWORD);
  await panel.getByRole('button', { name: 'Сохранить', exact: true }).click();
  await expect(page.getByRole('row', { name })).toContainText('Ни разу');

  await beginMailing(page, subject);
  await page.getByLabel('Почтовый сервер').selectOption({ label: `${name} — ${SENDER}` });
  await page.getByLabel('Все', { exact: true }).check();
  await page.getByLabel('Сейчас', { exact: true }).check();
  await sendWritten(page);
  await expect(page).toHaveURL(/\/mailings\/\d+$/);
  const mailing = new URL(page.url()).pathname;
  await expect(page.getByText('Завершена')).toBeVisible({ timeout: 30_000 });
  await expect(page.getByRole('link', { name: `Через ${name}` })).toBeVisible();
  const mails = await mailsThrough(subject);
  expect(mails.map(({ to }) => to[0].address)).toEqual([email]);
  expect(mails[0].from[0]).toMatchObject({ address: SENDER, name: 'Лавка' });
  expect(await addressesOf(subject)).toEqual([]);

  const staff = await (await browser.newContext({ locale: 'ru-RU', timezoneId: 'Europe/Moscow' })).newPage();
  await signUpStaff(staff, newAddress('maxim'));
  await staff.goto(`${mailing}?tab=schedule`);
  await expect(staff.getByRole('tabpanel')).toContainText(name);
  await staff.goto('/profile');
  await expect(staff.getByRole('link', { name: 'Токены API' })).toBeVisible();
  await expect(staff.getByRole('link', { name: 'Почтовые серверы' })).toHaveCount(0);
  await staff.context().close();

  await openSettled(page, '/profile/smtp-servers');
  await page.getByRole('button', { name: `Действия: ${name}` }).click();
  await page.getByRole('button', { name: 'Удалить' }).click();
  const use = page.getByRole('dialog', { name: 'Почтовый сервер занят' });
  await follow(use.getByRole('link', { name: subject }));
  await page.getByLabel('Почтовый сервер').selectOption({ label: 'Сервер этой службы' });
  await page.getByRole('button', { name: 'Сохранить' }).click();
  await expect(page).toHaveURL(/\/mailings\/\d+$/);
  await expect(page.getByText(`Через ${name}`)).toHaveCount(0);

  await openSettled(page, '/profile/smtp-servers');
  await page.getByRole('button', { name: `Действия: ${name}` }).click();
  await page.getByRole('button', { name: 'Удалить' }).click();
  await page.getByRole('dialog', { name: 'Удалить почтовый сервер?' }).getByRole('button', { name: 'Удалить' }).click();
  await expect(page.getByText('Своих почтовых серверов нет')).toBeVisible();
});

test('what is wrong is told at its field, and ports follow the encryption', async ({ page }) => {
  const email = newAddress('vera');
  await signUpAndIn(page, email);
  const panel = await fillServer(page, 'Внутренний', PASSWORD);
  await panel.getByLabel('Порт').fill('465');
  await panel.getByLabel('Порт').blur();
  await expect(panel.getByLabel('Шифрование')).toHaveValue('implicit');
  await panel.getByLabel('Шифрование').selectOption({ label: 'STARTTLS после приветствия' });
  await expect(panel.getByLabel('Порт')).toHaveValue('587');
  await panel.getByLabel('Сервер', { exact: true }).fill('10.1.2.3');
  await panel.getByRole('button', { name: 'Сохранить', exact: true }).click();
  await expect(panel.getByText('Этот адрес ведёт в сеть, закрытую для серверов пользователей')).toBeVisible();
  await expect(panel.getByLabel('Сервер', { exact: true })).toBeFocused();
  await panel.getByLabel('Сервер', { exact: true }).fill('mail.shop.example');
  await panel.getByLabel('Порт').fill('80');
  await panel.getByRole('button', { name: 'Сохранить', exact: true }).click();
  await expect(panel.getByText('Через этот порт почтовые серверы здесь недоступны')).toBeVisible();
  await panel.getByLabel('Порт').fill('587');

  await panel.getByText('Подпись DKIM').click();
  await panel.getByLabel('Подписывать письма').check();
  await expect(panel.getByLabel('Домен')).toHaveValue('shop.example');
  await panel.getByLabel('Закрытый ключ').fill('no key');
  await panel.getByRole('button', { name: 'Сохранить', exact: true }).click();
  await expect(panel.getByText('Это не закрытый ключ для подписи писем')).toBeVisible();
  await panel.getByRole('button', { name: 'Создать новый ключ' }).click();
  await expect(panel.getByLabel('Имя записи')).toHaveValue('dispatch._domainkey.shop.example');
  await expect(panel.getByLabel('Текст записи')).toHaveValue(/^v=DKIM1; k=rsa; p=MII/);
  await checkThemes(page, 'the form of a mail server');
  await panel.getByRole('button', { name: 'Сохранить', exact: true }).click();
  await expect(page.getByRole('row', { name: 'Внутренний' })).toContainText('DKIM');

  const token = await accessToken(email);
  const { data } = await call('GET', '/smtp-servers', { token });
  expect(data.items[0]).toMatchObject({ port: 587, tls: 'starttls', has_password: true });
  expect(data.items[0].dkim).toEqual({ domain: 'shop.example', selector: 'dispatch', has_key: true });
  expect(JSON.stringify(data)).not.toContain(PASSWORD);
});
