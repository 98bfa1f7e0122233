// The whole story in Russian, from signing up to the mail in the catcher and its line in the log.
import { expect, test } from './test.js';

import { follow } from './settled.js';
import { addRecipient, mailNow, mailsTo, mailTo, newAddress, signUpByHand, writeMessage } from './support.js';

test.use({ locale: 'ru-RU', timezoneId: 'Europe/Moscow' });

test('a newcomer signs up, mails two people and finds both answers in the log', async ({ page }) => {
  const people = [
    { email: newAddress('ivan'), name: 'Иван Петров' },
    { email: newAddress('maria'), name: 'Мария Смирнова' },
  ];
  const subject = `Осенний каталог ${newAddress('n').split('@')[0]}`;

  await signUpByHand(page, newAddress('anna'));
  await follow(page.getByRole('link', { name: 'Получатели' }).first());
  for (const recipient of people) await addRecipient(page, recipient);
  await writeMessage(page, subject);
  await mailNow(page, subject);

  const run = page.getByRole('region', { name: 'Последний запуск' });
  await expect(run.getByRole('progressbar')).toHaveAttribute('aria-valuenow', '100', { timeout: 30_000 });
  await expect(page.getByText('Завершена')).toBeVisible();
  await expect(run.getByText('Завершён')).toBeVisible();

  for (const { email, name } of people) {
    const mail = await mailTo(email);
    expect(mail.subject).toBe(subject);
    expect(mail.to.map(({ address }) => address)).toEqual([email]);
    expect(mail.html).toContain(`Здравствуйте, ${name}`);
    expect(await mailsTo(email)).toHaveLength(1);
  }

  await follow(page.getByRole('link', { name: 'Журнал', exact: true }));
  for (const { email } of people) {
    const row = page.getByRole('row', { name: email }).first();
    await expect(row).toContainText('Принято');
    await expect(row).toContainText(subject);
    await page.getByRole('button', { name: `Подробности: ${email}` }).click();
  }
  await expect(page.locator('pre').first()).toHaveText(/^\D*250/);
  await expect(page.locator('pre')).toHaveCount(2);
});

test('a link of the mail works once, and a wrong password is told at sign-in', async ({ page }) => {
  const email = newAddress('boris');
  await signUpByHand(page, email);
  await page.getByRole('button', { name: 'Выйти' }).click();
  await expect(page.getByRole('heading', { name: 'Рассылки, за которые можно отвечать' })).toBeVisible();
  await expect(page.getByRole('banner').getByRole('link', { name: 'Вход' })).toBeVisible(); // the server has heard of it

  await page.goto('/log?outcome=rejected');
  await expect(page.getByRole('heading', { name: 'Вход' })).toBeVisible();
  await page.getByLabel('Эл. почта').fill(email);
  await page.getByLabel('Пароль').fill('не тот пароль');
  await page.getByRole('button', { name: 'Войти' }).click();
  await expect(page.getByRole('alert')).toContainText('Неверный адрес или пароль');
  await page.getByLabel('Пароль').fill('сорок-две берёзы');
  await page.getByRole('button', { name: 'Войти' }).click();
  await expect(page.getByRole('heading', { name: 'Журнал' })).toBeVisible();
  await expect(page.getByLabel('Исход')).toHaveValue('rejected');
  await page.reload();
  await expect(page.getByRole('heading', { name: 'Журнал' })).toBeVisible();
});
