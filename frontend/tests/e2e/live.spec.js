// A mailing on its way: followed without asking, asked for where that does not work, left alone when nobody looks. In Russian.
import { expect, test } from './test.js';

import { accessToken, call, mailNow, newAddress, signUpAndIn, writeMessage } from './support.js';

test.use({ locale: 'ru-RU', timezoneId: 'Europe/Moscow' });

/** Enough to take some seconds: the mail server is given twenty-five a second. */
const PEOPLE = 200;
const unique = (/** @type {string} */ words) => `${words} ${newAddress('n').split('@')[0]}`;
const lastRun = (/** @type {import('@playwright/test').Page} */ page) =>
  page.getByRole('region', { name: 'Последний запуск' });

/** What the page asks about mailings: which of their addresses, in which order. @param {import('@playwright/test').Page} page */
function listen(page) {
  /** @type {string[]} */
  const asked = [];
  page.on('request', (request) => {
    const found = new URL(request.url()).pathname.match(/^\/api\/v1\/mailings\/\d+(\/live)?$/);
    if (found && request.method() === 'GET') asked.push(found[1] ?? 'once');
  });
  return asked;
}

/**
 * Somebody new with so many recipients and a message.
 * @param {import('@playwright/test').Page} page
 * @param {{name: string, people: number, subject: string}} what
 */
async function prepare(page, { name, people, subject }) {
  const email = newAddress(name);
  await signUpAndIn(page, email);
  const token = await accessToken(email);
  for (let at = 0; at < people; at += 1) {
    const body = { email: newAddress(`reader${at}`), full_name: `Читатель ${at}` };
    expect((await call('POST', '/recipients', { token, body })).status).toBe(201);
  }
  await writeMessage(page, subject);
  return token;
}

test('a mailing is seen going, how fast and for how long, and nothing is asked for meanwhile', async ({ page }) => {
  const subject = unique('Сводка');
  await prepare(page, { name: 'anna', people: PEOPLE, subject });
  const asked = listen(page);
  await mailNow(page, subject);

  const bar = lastRun(page).getByRole('progressbar');
  /** @type {number[]} */
  const seen = [];
  const look = async () => {
    seen.push(Number(await bar.getAttribute('aria-valuenow').catch(() => 0)));
    return seen.at(-1);
  };
  await expect
    .poll(look, { timeout: 30_000 }) // others share the twenty-five a second
    .toBe(100);
  expect(seen.some((percent) => percent > 0 && percent < 100)).toBe(true);
  expect(seen).toEqual([...seen].sort((a, b) => a - b));
  await expect(page.getByText('Завершена')).toBeVisible();
  expect(asked).toEqual(['once', '/live']);
});

test('while it goes the page tells the rate and the time left', async ({ page }) => {
  const subject = unique('Выпуск');
  await prepare(page, { name: 'dina', people: PEOPLE, subject });
  await mailNow(page, subject);
  await expect(lastRun(page).getByText('Скорость')).toBeVisible();
  await expect(lastRun(page).getByText(/^\d+\/с$/)).toBeVisible();
  await expect(lastRun(page).getByText('меньше минуты')).toBeVisible();
  await expect(page.getByText('Завершена')).toBeVisible({ timeout: 30_000 });
  await expect(lastRun(page).getByText('Осталось')).toHaveCount(0);
});

test('where a stream does not come through the page asks, and the end is seen all the same', async ({ page }) => {
  const subject = unique('Анонс');
  await prepare(page, { name: 'boris', people: 3, subject });
  await page.route('**/live', (route) => route.abort());
  await mailNow(page, subject);
  await expect(page.getByText('Завершена')).toBeVisible({ timeout: 30_000 });
  await expect(lastRun(page).getByRole('progressbar')).toHaveAttribute('aria-valuenow', '100');
});

test('a page that nobody sees is told nothing until it is seen again', async ({ page }) => {
  const subject = unique('Отчёт');
  const token = await prepare(page, { name: 'vera', people: 1, subject });
  const { data: messages } = await call('GET', '/messages', { token });
  const body = {
    message_id: messages.items[0].id,
    starts_at: new Date(Date.now() + 86_400_000).toISOString(),
    recurrence: 'weekly',
    time_zone: 'Europe/Moscow',
    recipients: { all: true },
  };
  const { data: mailing } = await call('POST', '/mailings', { token, body });
  const asked = listen(page);
  const ended = page.waitForEvent('requestfailed', (request) => request.url().endsWith('/live'));
  await page.goto(`/mailings/${mailing.id}`);
  await expect(page.getByText('ждёт своего времени')).toBeVisible();
  await expect.poll(() => asked).toEqual(['once', '/live']);

  const look = (/** @type {boolean} */ away) =>
    page.evaluate((hidden) => {
      Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }, away);
  await look(true);
  await ended;
  expect((await call('POST', `/mailings/${mailing.id}/pause`, { token })).status).toBe(204);
  await expect(page.getByText('ждёт своего времени')).toBeVisible();
  await look(false);
  await expect(page.getByText('до возобновления')).toBeVisible();
  expect(asked).toEqual(['once', '/live', '/live']);
});
