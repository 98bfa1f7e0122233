// Small rules: where signing in leads, the log's filters, how fast a run is, a list whose last page went away.
import { effectScope } from 'vue';
import { expect, it, vi } from 'vitest';

import { answerOf } from '../src/features/attempts/answer.js';
import { attemptQuery } from '../src/features/attempts/query.js';
import { safeNext } from '../src/features/auth/next.js';
import { rateOf } from '../src/features/mailings/live.js';
import { localQuery, useKeyed, usePages } from '../src/ui/list.js';

it('signing in leads to a place of our own, never elsewhere', () => {
  expect(safeNext('/mailings/3?tab=runs')).toBe('/mailings/3?tab=runs');
  for (const elsewhere of ['//evil.example', '/\\evil.example', 'https://evil.example', undefined, ['/a']]) {
    expect(safeNext(elsewhere)).toBe('/dashboard');
  }
});

it('the log is asked for whole days of the user’s zone', () => {
  const query = attemptQuery({ from: '2026-03-28', to: '2026-03-29', outcome: '', mailing_id: '7' }, 'Europe/Berlin');
  expect(query).toEqual({ mailing_id: 7, from: '2026-03-27T23:00:00.000Z', to: '2026-03-29T22:00:00.000Z' });
});

it('an answer shows the codes once, before the words', () => {
  const words = { response: 'Message queued', smtp_code: 250, enhanced_code: '2.0.0' };
  expect(answerOf(words)).toBe('250 2.0.0 Message queued');
  expect(answerOf({ ...words, response: '250 2.0.0 Ok' })).toBe('250 2.0.0 Ok');
  expect(answerOf({ response: 'connection refused', smtp_code: null, enhanced_code: null })).toBe('connection refused');
});

it('the rate is that of the same run only', () => {
  const samples = [
    { run: 1, at: 0, tried: 900 },
    { run: 2, at: 1000, tried: 0 },
    { run: 2, at: 3000, tried: 500 },
  ];
  expect(rateOf(samples)).toBe(250);
  expect(rateOf(samples.slice(0, 2))).toBe(0);
  expect(rateOf([])).toBe(0);
});

it('a page beyond the last one gives way to the last one', async () => {
  const source = localQuery({ page: '3' });
  const fetchPage = vi.fn(async ({ page = '1' }) => ({
    items: page === '3' ? [] : ['row'],
    total: 40,
    page: Number(page),
    per_page: 20,
  }));
  const list = effectScope().run(() => usePages(source, fetchPage));
  await vi.waitFor(() => expect(list?.items).toEqual(['row']));
  expect(source.query.value.page).toBe('2');
});

it('a new search begins at the first page', () => {
  const source = localQuery({ page: '4', q: '' });
  source.set({ q: 'anna' });
  expect(source.query.value).toEqual({ page: '1', q: 'anna' });
});

it('a list that cannot be loaded says so, and loads when asked again', async () => {
  let broken = true;
  const list = effectScope().run(() =>
    useKeyed(localQuery({}), async () => {
      if (broken) throw new Error('away');
      return { items: ['row'], next_cursor: null };
    }),
  );
  await vi.waitFor(() => expect(list?.error).toBeInstanceOf(Error));
  broken = false;
  await list?.reload();
  expect(list?.error).toBeNull();
  expect(list?.items).toEqual(['row']);
});

it('a change while rows are being fetched has them fetched once more', async () => {
  /** @type {(() => void)[]} */ const answers = [];
  let state = 'old';
  const list = effectScope().run(() =>
    useKeyed(localQuery({}), async () => {
      const items = [state];
      await new Promise((resolve) => answers.push(() => resolve(undefined)));
      return { items, next_cursor: null };
    }),
  );
  await vi.waitFor(() => expect(answers).toHaveLength(1));
  state = 'new';
  void list?.reload({ quiet: true });
  answers[0]?.();
  await vi.waitFor(() => expect(answers).toHaveLength(2));
  answers[1]?.();
  await vi.waitFor(() => expect(list?.items).toEqual(['new']));
});
