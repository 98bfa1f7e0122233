// The blog: an article from draft to readers and back, its picture, the home page. In Russian.
import { expect, test } from './test.js';

import { follow } from './settled.js';
import { newAddress, signUpAndIn, signUpStaff } from './support.js';

test.use({ locale: 'ru-RU', timezoneId: 'Europe/Moscow' });

const unique = (/** @type {string} */ words) => `${words} ${newAddress('n').split('@')[0]}`;
/** One pixel. */
const PICTURE = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

test('an article is written, looked at, published, read, and taken back', async ({ page, browser }) => {
  const title = unique('Весенние новости');
  await signUpStaff(page, newAddress('maxim'));
  await follow(page.getByRole('link', { name: 'Статьи' }));
  await follow(page.getByRole('link', { name: 'Новая статья' }).first());
  await page.getByRole('button', { name: 'Сохранить' }).click();
  await expect(page.getByLabel('Заголовок', { exact: true })).toHaveAttribute('aria-invalid', 'true');

  await page.getByLabel('Заголовок', { exact: true }).fill(title);
  await page.getByRole('textbox', { name: 'Текст статьи' }).fill('Рассылки ждут своего часового пояса.');
  await page.getByRole('toolbar').getByRole('button', { name: 'Картинка' }).click();
  await page.getByLabel('Файл с картинкой').setInputFiles({ name: 'b.png', mimeType: 'image/png', buffer: PICTURE });
  await page.getByLabel('Описание картинки').fill('Часы');
  await page.getByRole('button', { name: 'Вставить' }).click();
  await expect(page.getByRole('textbox', { name: 'Текст статьи' }).getByRole('img', { name: 'Часы' })).toBeVisible();
  await page.locator('#article-picture').setInputFiles({ name: 'a.png', mimeType: 'image/png', buffer: PICTURE });
  // eslint-disable-next-line no-restricted-syntax -- it is not followed: the page asks first
  await page.getByRole('link', { name: 'Блог' }).first().click();
  await page.getByRole('dialog', { name: 'Уйти без сохранения?' }).getByRole('button', { name: 'Отмена' }).click();
  await page.getByRole('button', { name: 'Сохранить' }).click();
  await expect(page).toHaveURL(/\/articles\/\d+$/);
  await expect(page.getByText('Черновик')).toBeVisible();

  await follow(page.getByRole('link', { name: 'Посмотреть' }));
  await expect(page.getByRole('heading', { name: title })).toBeVisible();
  await expect(page.getByText('Читатели её не видят.')).toBeVisible();
  const address = page.url();
  const reader = await (await browser.newContext({ locale: 'ru-RU' })).newPage();
  await reader.goto(address);
  await expect(reader.getByRole('heading', { name: 'Такой статьи нет' })).toBeAttached();

  await follow(page.getByRole('link', { name: 'Изменить' }));
  await page.getByRole('button', { name: 'Опубликовать' }).click();
  await expect(page.getByText('Опубликована', { exact: true })).toBeVisible();

  await reader.goto('/blog');
  await reader.getByLabel('Поиск по статьям').fill(title);
  const card = reader.getByRole('article').filter({ hasText: title });
  await expect(card).toContainText('Рассылки ждут своего часового пояса.');
  await expect(card.locator('img')).toHaveAttribute('src', /^\/api\/v1\/images\/.+/);
  await follow(card.getByRole('link', { name: title }));
  await expect(reader.getByRole('heading', { name: title, level: 1 })).toBeVisible();
  await expect(reader.getByText('1 просмотр', { exact: true })).toBeVisible();
  await expect(reader.getByRole('img', { name: 'Часы' })).toHaveAttribute('src', /^\/api\/v1\/images\/.+/);
  await expect(reader).toHaveTitle(`${title} · Dispatch`);
  await expect(reader.locator('link[rel=alternate]')).toHaveAttribute('href', '/api/v1/articles.rss');

  await page.getByRole('button', { name: `Действия: ${title}` }).click();
  await page.getByRole('button', { name: 'Снять с публикации' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Снять с публикации' }).click();
  await expect(page.getByText('Черновик')).toBeVisible();
  await reader.reload();
  await expect(reader.getByRole('heading', { name: 'Такой статьи нет' })).toBeAttached();

  await page.goto(`/articles?q=${encodeURIComponent(title)}&status=draft`);
  await page.getByRole('button', { name: `Действия: ${title}` }).click();
  await page.getByRole('button', { name: 'Удалить' }).click();
  await page.getByRole('dialog', { name: 'Удалить статью?' }).getByRole('button', { name: 'Удалить' }).click();
  await expect(page.getByText('Ничего не найдено')).toBeVisible();
  await reader.context().close();
});

test('users read the blog and have no articles to write', async ({ page }) => {
  await signUpAndIn(page, newAddress('anna'));
  const menu = page.getByRole('navigation', { name: 'Главное меню' });
  await expect(menu.getByRole('link', { name: 'Статьи' })).toHaveCount(0);
  await follow(menu.getByRole('link', { name: 'Блог' }));
  await expect(page.getByRole('heading', { name: 'Блог' })).toBeVisible();
  await page.goto('/articles');
  await expect(page.getByRole('heading', { name: 'Здесь ничего нет' })).toBeVisible();
});

test('the home page shows its numbers, and stands without them', async ({ page, context }) => {
  await page.goto('/');
  await expect(page.getByRole('region', { name: 'Dispatch в числах' }).getByRole('definition')).toHaveText([
    /^[\d\s]+$/,
    /^[\d\s]+$/,
    /^[\d\s]+$/,
  ]);
  await context.route('**/api/v1/home', (route) => route.abort());
  await page.reload();
  await expect(page.getByRole('heading', { name: 'Рассылки, за которые можно отвечать' })).toBeVisible();
  await expect(page.getByRole('region', { name: 'Dispatch в числах' })).toHaveCount(0);
  await expect(page.getByRole('contentinfo').getByRole('link', { name: 'Описание API' })).toHaveAttribute(
    'href',
    '/api/docs/',
  );
});
