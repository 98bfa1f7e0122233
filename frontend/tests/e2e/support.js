// What the end-to-end tests share: addresses nobody used before, the mail catcher, a new account, the API, roles.
import { expect } from '@playwright/test';

import { follow } from './settled.js';

const MAIL_URL = process.env.E2E_MAIL_URL ?? 'http://127.0.0.1:1080';
const API_URL = `${process.env.E2E_BASE_URL ?? 'http://127.0.0.1:8000'}/api/v1`;
/** Made on the command line, before the tests. */
const ADMIN = {
  email: process.env.E2E_ADMIN_EMAIL ?? 'admin@example.org',
  password: process.env.E2E_ADMIN_PASSWORD ?? '',
};
export const PASSWORD = 'сорок-две берёзы';
const NAME = 'Анна Ковалёва';

/** @typedef {{to: {address: string, name?: string}[], subject: string, html?: string, text?: string}} Mail */

/** Two workers may begin within the same millisecond. */
const run = Date.now().toString(36) + (process.env.TEST_WORKER_INDEX ?? '');
let count = 0;

/** An address of this run alone. @param {string} name */
export const newAddress = (name) => `${name}.${run}.${++count}@example.com`;

/** Every mail the catcher holds. @returns {Promise<Mail[]>} */
async function allMails() {
  const response = await fetch(`${MAIL_URL}/api/email`);
  return response.json();
}

/** Every mail the catcher holds for an address. @param {string} address @returns {Promise<Mail[]>} */
export const mailsTo = async (address) =>
  (await allMails()).filter(({ to }) => to?.some((one) => one.address.toLowerCase() === address));

/** To whom mails with a subject have gone, one entry for each mail. @param {string} subject @returns {Promise<string[]>} */
export const addressesOf = async (subject) =>
  (await allMails()).filter((mail) => mail.subject === subject).flatMap(({ to }) => to.map(({ address }) => address));

/** The first mail to an address, as soon as it is there. @param {string} address @returns {Promise<Mail>} */
export async function mailTo(address) {
  await expect
    .poll(async () => (await mailsTo(address)).length, { message: `mail to ${address}`, timeout: 20_000 })
    .toBeGreaterThan(0);
  const [mail] = await mailsTo(address);
  return /** @type {Mail} */ (mail);
}

/** How many mails with a subject an address has got. @param {string} address @param {string} subject */
export const countOf = async (address, subject) =>
  (await mailsTo(address)).filter((mail) => mail.subject === subject).length;

/** Where the link in a mail to an address leads. @param {string} address @param {'confirm' | 'reset'} page */
export async function mailedLink(address, page) {
  let found = '';
  const look = async () => {
    const bodies = (await mailsTo(address)).map(({ text = '', html = '' }) => `${text} ${html}`).join(' ');
    [found = ''] = bodies.match(new RegExp(`https?://\\S+?/${page}#token=[\\w~.-]+`)) ?? [];
    return found;
  };
  await expect.poll(look, { message: `a link to /${page} in a mail to ${address}`, timeout: 20_000 }).not.toBe('');
  const { pathname, hash } = new URL(found);
  return pathname + hash;
}

/**
 * A call as a program makes it.
 * @param {string} method
 * @param {string} path
 * @param {{token?: string, body?: unknown}} [options]
 */
export async function call(method, path, { token, body } = {}) {
  const headers = {
    ...(token ? { Authorization: `Bearer ${token}` } : {}),
    ...(body ? { 'Content-Type': 'application/json' } : {}),
  };
  const response = await fetch(API_URL + path, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
  const text = await response.text();
  return { status: response.status, data: text ? JSON.parse(text) : null };
}

/** An access token. @param {string} email @param {string} [password] @returns {Promise<string>} */
export async function accessToken(email, password = PASSWORD) {
  const { status, data } = await call('POST', '/auth/sign-in', { body: { email, password } });
  expect(status, `signing ${email} in`).toBe(200);
  return data.access_token;
}

/** The administrator gives a role; whoever gets one has to sign in again. @param {string} email @param {'manager' | 'admin'} role */
export async function giveRole(email, role) {
  const token = await accessToken(ADMIN.email, ADMIN.password);
  const { data } = await call('GET', `/users?q=${encodeURIComponent(email)}`, { token });
  const given = await call('PUT', `/users/${data.items[0].id}/role`, { token, body: { role } });
  expect(given.status).toBe(204);
}

/**
 * A new person with a confirmed account, signed in, on the dashboard, by hand all the way. In Russian.
 * @param {import('@playwright/test').Page} page
 * @param {string} email
 */
export async function signUpByHand(page, email) {
  await page.goto('/sign-up');
  await page.getByLabel('Имя и фамилия').fill(NAME);
  await page.getByLabel('Эл. почта').fill(email);
  await page.getByLabel('Пароль').fill(PASSWORD);
  await page.getByRole('button', { name: 'Зарегистрироваться' }).click();
  await expect(page.getByRole('heading', { name: 'Проверьте почту' })).toBeVisible();

  await page.goto(await mailedLink(email, 'confirm'));
  await page.getByRole('button', { name: 'Подтвердить' }).click();
  await expect(page.getByRole('heading', { name: 'Адрес подтверждён' })).toBeVisible();
  await follow(page.getByRole('main').getByRole('link', { name: 'Вход' }));
  await signIn(page, email);
}

/**
 * The same, where signing up is not what it is about: only the last step is made on the page.
 * @param {import('@playwright/test').Page} page
 * @param {string} email
 */
export async function signUpAndIn(page, email) {
  const body = { email, password: PASSWORD, full_name: NAME, language: 'ru', time_zone: 'Europe/Moscow' };
  expect((await call('POST', '/auth/sign-up', { body })).status).toBe(202);
  const token = (await mailedLink(email, 'confirm')).split('#token=')[1];
  expect((await call('POST', '/auth/confirm', { body: { token } })).status).toBe(204);
  await page.goto('/sign-in');
  await signIn(page, email);
}

/**
 * From the page for signing in to the dashboard.
 * @param {import('@playwright/test').Page} page
 * @param {string} email
 * @param {string} [password]
 */
export async function signIn(page, email, password = PASSWORD) {
  await page.getByLabel('Эл. почта').fill(email);
  await page.getByLabel('Пароль').fill(password);
  await page.getByRole('button', { name: 'Войти' }).click();
  await expect(page.getByRole('heading', { name: 'Обзор' })).toBeVisible();
}

/**
 * A new person who looks after others, signed in, on the dashboard.
 * @param {import('@playwright/test').Page} page
 * @param {string} email
 * @param {'manager' | 'admin'} [role]
 */
export async function signUpStaff(page, email, role = 'manager') {
  await signUpAndIn(page, email);
  await giveRole(email, role);
  await page.goto('/sign-in');
  await signIn(page, email);
}

/**
 * @param {import('@playwright/test').Page} page
 * @param {{email: string, name: string}} recipient
 */
export async function addRecipient(page, { email, name }) {
  await page.getByRole('button', { name: 'Добавить получателя' }).first().click();
  const panel = page.getByRole('dialog', { name: 'Новый получатель' });
  await panel.getByLabel('Эл. почта').fill(email);
  await panel.getByLabel('Имя').fill(name);
  await panel.getByRole('button', { name: 'Добавить' }).click();
  await expect(page.getByRole('row', { name: email })).toBeVisible();
  await expect(panel).toBeHidden();
}

/**
 * @param {import('@playwright/test').Page} page
 * @param {string} subject
 */
export async function writeMessage(page, subject) {
  await page.goto('/messages/new');
  await page.getByLabel('Тема').fill(subject);
  const content = page.getByRole('textbox', { name: 'Содержание' });
  await content.fill('Здравствуйте, ');
  await page.getByRole('group', { name: 'Вставить:' }).getByRole('button', { name: 'Имя' }).click();
  await expect(content).toHaveText('Здравствуйте, {{ full_name }}');
  await expect(page.frameLocator('iframe').getByText('Здравствуйте, Анна Ковалёва')).toBeVisible();
  await page.getByRole('button', { name: 'Сохранить' }).click();
  await expect(page).toHaveURL(/\/messages\/\d+$/);
}

/**
 * The form of a new mailing with its message chosen.
 * @param {import('@playwright/test').Page} page
 * @param {string} subject
 */
export async function beginMailing(page, subject) {
  await page.goto('/mailings/new');
  await page.getByRole('combobox', { name: 'Сообщение' }).click();
  await page.getByRole('option', { name: subject }).click();
}

/**
 * A mailing to all recipients, starting now; ends on its page.
 * @param {import('@playwright/test').Page} page
 * @param {string} subject
 */
export async function mailNow(page, subject) {
  await beginMailing(page, subject);
  await page.getByLabel('Все', { exact: true }).check();
  await page.getByLabel('Сейчас', { exact: true }).check();
  await expect(page.getByRole('status', { name: 'Одной фразой' })).toContainText('первая отправка — сейчас');
  await sendWritten(page);
  await expect(page).toHaveURL(/\/mailings\/\d+$/);
}

/**
 * Sends what the form of a mailing holds: the button says to how many, and is asked about once.
 * @param {import('@playwright/test').Page} page
 */
export async function sendWritten(page) {
  await page.getByRole('button', { name: /^Отправить сейчас \d/ }).click();
  await page
    .getByRole('dialog', { name: 'Отправить сейчас?' })
    .getByRole('button', { name: /^Отправить сейчас \d/ })
    .click();
}

/**
 * Puts an address on the list of those who get no mail; ends there.
 * @param {import('@playwright/test').Page} page
 * @param {string} email
 */
export async function block(page, email) {
  await page.goto('/suppressions');
  await page.getByRole('button', { name: 'Заблокировать адрес' }).click();
  const panel = page.getByRole('dialog', { name: 'Заблокировать адрес' });
  await panel.getByLabel('Эл. почта').fill(email);
  await panel.getByRole('button', { name: 'Заблокировать' }).click();
  await expect(page.getByRole('row', { name: email })).toBeVisible();
  await expect(panel).toBeHidden();
}

/**
 * Types a first date, and waits for the dates that follow from it.
 * @param {import('@playwright/test').Locator} field
 * @param {string} local as an `<input type="datetime-local">` takes it
 */
export async function fillStart(field, local) {
  const previewed = field.page().waitForResponse((response) => response.url().endsWith('/occurrences/preview'));
  await field.fill(local);
  await (await previewed).finished();
}
