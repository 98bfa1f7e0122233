// What arrives late moves no control: every answer of the API takes its time here. In Russian.
import { settled } from './settled.js';
import { movedOn, watchControls } from './steady.js';
import { accessToken, beginMailing, call, newAddress, signUpAndIn } from './support.js';
import { expect, test } from './test.js';

test.use({ locale: 'ru-RU', timezoneId: 'Europe/Moscow', viewport: { width: 1280, height: 900 } });

const SLOW_MS = 400;

/** @param {import('@playwright/test').Page} page */
const slow = (page) =>
  page.route(/\/api\/v1\//, async (route) => {
    await new Promise((resolve) => setTimeout(resolve, SLOW_MS * (0.5 + Math.random())));
    await route.continue().catch(() => undefined); // its page has been left meanwhile
  });

/** Somebody with a recipient, a message and a scheduled mailing. @param {import('@playwright/test').Page} page */
async function setUp(page) {
  const me = newAddress('anna');
  await signUpAndIn(page, me);
  const token = await accessToken(me);
  await call('POST', '/recipients', { token, body: { email: newAddress('ivan') } });
  const subject = `Новости ${me.split('@')[0]}`;
  const message = await call('POST', '/messages', { token, body: { subject, text: 'Здравствуйте' } });
  const mailing = {
    message_id: message.data.id,
    recipients: { all: true },
    recurrence: 'weekly',
    starts_at: '2099-01-01T10:00:00Z',
    time_zone: 'Europe/Moscow',
  };
  const { data } = await call('POST', '/mailings', { token, body: mailing });
  return { subject, message: message.data.id, mailing: data.id };
}

test('the dates, the sentence and the numbers of a mailing move none of its controls', async ({ page }) => {
  const { subject } = await setUp(page);
  await watchControls(page);
  await slow(page);
  await beginMailing(page, subject);
  const steps = [
    () => page.getByLabel('Все', { exact: true }).check(),
    () => page.getByLabel('В назначенное время').check(),
    () => page.getByLabel('Первая отправка').fill('2098-03-14T02:30'),
    () => page.getByLabel('Каждую неделю').check(),
  ];
  for (const step of steps) {
    await step();
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    await movedOn(page); // what the step itself has moved
    const previewed = page.waitForResponse((response) => response.url().endsWith('/occurrences/preview'));
    await Promise.race([previewed, settled(page)]);
    await settled(page);
    expect(await movedOn(page)).toEqual([]);
  }
});

test('what arrives late on a page moves no control', async ({ page }) => {
  const { message, mailing } = await setUp(page);
  await watchControls(page);
  await slow(page);
  const paths = [
    ...['/dashboard', '/recipients', '/messages', '/mailings', '/suppressions', '/log', '/statistics'],
    ...['/profile', '/profile/security', '/profile/sessions', '/profile/tokens', '/profile/smtp-servers'],
    ...['/messages/new', `/messages/${message}`, '/mailings/new'],
    ...[`/mailings/${mailing}`, `/mailings/${mailing}/edit`],
  ];
  /** @type {string[]} */
  const moved = [];
  for (const path of paths) {
    await page.goto(path);
    await settled(page);
    moved.push(...(await movedOn(page)).map((what) => `${path} ${what}`));
  }
  expect(moved).toEqual([]);
});
