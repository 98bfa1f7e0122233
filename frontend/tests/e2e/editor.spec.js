// Writing a message: rich text by keyboard, placeholders that survive it, HTML that is not lost without a word. In Russian.
import { expect, test } from './test.js';

import { newAddress, signUpAndIn } from './support.js';

test.use({ locale: 'ru-RU', timezoneId: 'Europe/Moscow' });

const HAND_MADE = '<table width="600"><tr><td style="color: red">Здравствуйте, {{ full_name }}</td></tr></table>';

test('rich text is written by keyboard, and what is hand-made is kept as it is', async ({ page }) => {
  await signUpAndIn(page, newAddress('anna'));
  await page.goto('/messages/new');
  await page.getByLabel('Тема').fill('Новости');
  const content = page.getByRole('textbox', { name: 'Содержание' });
  const source = page.getByRole('textbox', { name: 'Исходный код HTML' });
  const [rich, code] = ['Визуально', 'Исходный код'].map((name) => page.getByRole('button', { name, exact: true }));
  const bold = page.getByRole('toolbar', { name: 'Оформление текста' }).getByRole('button', { name: 'Полужирный' });

  await bold.focus();
  await page.keyboard.press('ArrowRight');
  await expect(page.getByRole('button', { name: 'Курсив' })).toBeFocused();
  await page.keyboard.press('Home');
  await expect(bold).toHaveAttribute('aria-pressed', 'false');
  await page.keyboard.press('Enter');
  await expect(bold).toHaveAttribute('aria-pressed', 'true');
  await expect(content).toBeFocused();
  await page.keyboard.type('Привет');
  await page.keyboard.press('Control+b');
  await page.keyboard.type(', ');
  await page.getByRole('button', { name: 'Имя', exact: true }).click();
  await page.keyboard.type('! ');
  await page.getByRole('button', { name: 'Ссылка', exact: true }).click();
  await page.keyboard.type('example.org/news');
  await page.keyboard.press('Enter');
  await code?.click();
  const link = '<a href="https://example.org/news">example.org/news</a>';
  await expect(source).toHaveText(`<p><strong>Привет</strong>, {{ full_name }}! ${link}</p>`);
  await rich?.click();
  await expect(content).toHaveText('Привет, {{ full_name }}! example.org/news');

  await code?.click();
  await source.fill(HAND_MADE);
  await rich?.click();
  const question = page.getByRole('dialog', { name: 'Изменить HTML для визуального редактора?' });
  await expect(question).toContainText('<table>');
  await question.getByRole('button', { name: 'Отмена' }).click();
  await expect(source).toHaveText(HAND_MADE);
  await page.getByRole('button', { name: 'Сохранить' }).click();
  await expect(page).toHaveURL(/\/messages\/\d+$/);

  await page.evaluate(() => localStorage.removeItem('dispatch.editor'));
  await page.reload();
  await expect(source).toHaveText(HAND_MADE);
  await expect(page.getByText('Открыт исходный код')).toContainText('<table>');
  await rich?.click();
  await question.getByRole('button', { name: 'Изменить' }).click();
  await expect(content).toHaveText('Здравствуйте, {{ full_name }}');
  await expect(page.getByText('Есть несохранённые изменения')).toBeVisible();
});

test('the source that is chosen while the editor still loads stays', async ({ page }) => {
  await signUpAndIn(page, newAddress('early'));
  let letThrough = () => {};
  const held = new Promise((resolve) => (letThrough = () => resolve(undefined)));
  await page.route(/\/assets\/rich-[^/]+\.js$/, (route) => held.then(() => route.continue()));
  await page.goto('/messages/new');
  await page.getByRole('button', { name: 'Исходный код', exact: true }).click();
  const source = page.getByRole('textbox', { name: 'Исходный код HTML' });
  await expect(source).toBeVisible();
  letThrough();
  await page.waitForLoadState('networkidle');
  await page.evaluate(() => new Promise(requestAnimationFrame));
  await expect(source).toBeVisible();
});
