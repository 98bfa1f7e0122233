// What keeps mailings back, what may be done about it and by whom, and what is sent again.
import { expect, it } from 'vitest';

import { isFailed, groupsOf, retryOf, sumOf } from '../src/features/mailings/retries.js';
import { mailingLook } from '../src/features/mailings/looks.js';
import { isMoving } from '../src/features/mailings/mailings.js';
import { actionsOf } from '../src/features/mailings/permitted.js';
import { insertion } from '../src/features/messages/placeholders.js';

/** @typedef {import('../src/features/mailings/permitted.js').Facts} Facts */

const owner = { id: 1, role: /** @type {const} */ ('user') };
const manager = { id: 2, role: /** @type {const} */ ('manager') };
const admin = { id: 1, role: /** @type {const} */ ('admin') };
const disabled = { at: '2026-03-01T06:00:00Z', by: { id: 2, email: 'manager@example.org' }, reason: 'Complaints' };

/** A mailing of the owner's that is being sent. @param {Partial<Facts>} [changes] @returns {Facts} */
const mailing = (changes) => ({
  status: 'running',
  state_reason: 'sending',
  owner: { id: owner.id, email: 'owner@example.org' },
  paused_at: null,
  disabled: null,
  last_run: /** @type {Api.Run} */ ({ id: 7, status: 'running' }),
  ...changes,
});
const finished = /** @type {Api.Run} */ ({ id: 7, status: 'finished' });
const held = /** @type {Api.Run} */ ({ id: 7, status: 'paused' });

it('what is being sent can be paused and cancelled, not sent a second time', () => {
  expect(actionsOf(mailing(), owner)).toEqual(['pause', 'cancel', 'remove']);
});

it('a paused mailing is resumed, never paused once more', () => {
  const paused = mailing({ state_reason: 'paused', paused_at: '2026-03-01T06:00:00Z', last_run: held });
  expect(actionsOf(paused, owner)).toEqual(['resume', 'cancel', 'remove']);
});

it('what the engine has paused can be resumed, or paused for good', () => {
  for (const state_reason of /** @type {const} */ (['content_rejected', 'recipients_refused', 'mail_server_defers'])) {
    expect(actionsOf(mailing({ state_reason, last_run: held }), owner)).toEqual([
      'resume',
      'cancel',
      'pause',
      'remove',
    ]);
  }
});

it('a mail server that is away is no hold to be lifted by hand', () => {
  const waiting = mailing({ state_reason: 'mail_server_unreachable', last_run: held });
  expect(actionsOf(waiting, owner)).toEqual(['pause', 'cancel', 'remove']);
});

it('between two dates a mailing can be sent and paused', () => {
  expect(actionsOf(mailing({ state_reason: 'waiting', last_run: finished }), owner)).toEqual([
    'send',
    'pause',
    'remove',
  ]);
});

it('a completed mailing has nothing to pause', () => {
  const done = mailing({ status: 'completed', state_reason: 'finished', last_run: finished });
  expect(actionsOf(done, owner)).toEqual(['send', 'remove']);
});

it('what a manager has disabled its owner can neither send nor enable', () => {
  const stopped = mailing({ state_reason: 'disabled', disabled, last_run: finished });
  expect(actionsOf(stopped, owner)).toEqual(['pause', 'remove']);
  expect(actionsOf({ ...stopped, last_run: held }, owner)).toEqual(['cancel', 'pause', 'remove']);
});

it('a manager may only disable and enable, an administrator also what is their own', () => {
  expect(actionsOf(mailing(), manager)).toEqual(['disable']);
  expect(actionsOf(mailing({ state_reason: 'disabled', disabled }), manager)).toEqual(['enable']);
  expect(actionsOf(mailing(), admin)).toEqual(['pause', 'cancel', 'disable', 'remove']);
});

it('somebody else and nobody may do nothing', () => {
  expect(actionsOf(mailing(), { id: 3, role: 'user' })).toEqual([]);
  expect(actionsOf(mailing(), null)).toEqual([]);
});

it('a badge says what keeps a mailing back, else its status', () => {
  const word = (/** @type {Api.StateReason} */ state_reason) => mailingLook({ status: 'running', state_reason }).word;
  expect(word('sending')).toBe('running');
  expect(word('mail_server_unreachable')).toBe('paused');
  expect(word('content_rejected')).toBe('stopped');
  expect(word('disabled')).toBe('disabled');
  expect(mailingLook({ status: 'created', state_reason: 'no_recipients' })).toMatchObject({
    word: 'created',
    tone: 'warning',
  });
});

it('only what nobody will try again by itself counts as failed', () => {
  expect(isFailed({ status: 'rejected', next_attempt_at: null })).toBe(true);
  expect(isFailed({ status: 'uncertain', next_attempt_at: null })).toBe(true);
  expect(isFailed({ status: 'uncertain', next_attempt_at: '2026-03-01T06:00:00Z' })).toBe(false);
  for (const status of /** @type {const} */ (['pending', 'accepted', 'deferred', 'skipped'])) {
    expect(isFailed({ status, next_attempt_at: null })).toBe(false);
  }
});

it('the number asked about is that of all the server will send again', () => {
  /** @type {Api.Failure[]} */
  const groups = [
    { status: 'rejected', stage: 'rcpt', smtp_code: 550, enhanced_code: '5.1.1', response: 'No such user', count: 12 },
    { status: 'rejected', stage: 'dot', smtp_code: 550, enhanced_code: '5.1.1', response: 'No such user', count: 3 },
    { status: 'rejected', stage: 'dot', smtp_code: 554, enhanced_code: null, response: 'Spam', count: 2 },
    { status: 'uncertain', stage: 'dot', smtp_code: null, enhanced_code: null, response: '', count: 1 },
  ];
  const asked = groups.map(retryOf);
  expect(asked[0]).toEqual({ status: 'rejected', smtp_code: 550, enhanced_code: '5.1.1' });
  expect(asked[3]).toEqual({ status: 'uncertain' });
  expect(asked.map((wanted) => sumOf(groupsOf(groups, wanted)))).toEqual([15, 15, 2, 1]);
  expect(sumOf(groupsOf(groups, {}))).toBe(18);
});

it('the link to view a letter is put in as the one to unsubscribe is', () => {
  expect(insertion('view_url', 'html', '<p>', 'View')).toBe('<a href="{{ view_url }}">View</a>');
  expect(insertion('view_url', 'html', '<a href="', 'View')).toBe('{{ view_url }}');
  expect(insertion('view_url', 'text', '', 'View')).toBe('{{ view_url }}');
});

it('the unsubscribe link is a link in HTML and an address everywhere else', () => {
  const link = '<a href="{{ unsubscribe_url }}">Unsubscribe</a>';
  expect(insertion('unsubscribe_url', 'html', '<p>Bye</p>', 'Unsubscribe')).toBe(link);
  expect(insertion('unsubscribe_url', 'html', '', 'Unsubscribe')).toBe(link);
  expect(insertion('unsubscribe_url', 'html', '<p>Bye</p><a href="', 'Unsubscribe')).toBe('{{ unsubscribe_url }}');
  expect(insertion('unsubscribe_url', 'text', 'Bye', 'Unsubscribe')).toBe('{{ unsubscribe_url }}');
  expect(insertion('email', 'html', '<p>', 'Unsubscribe')).toBe('{{ email }}');
});

it('only what is being sent, or is about to be, is worth asking about again', () => {
  const now = Date.parse('2026-03-01T06:00:00Z');
  const waits = { status: /** @type {const} */ ('created'), next_run_at: '2026-03-01T06:00:02Z', disabled: null };
  const moves = (/** @type {object} */ changes) =>
    isMoving(/** @type {Api.Mailing} */ ({ ...waits, paused_at: null, ...changes }), 3000, now);
  expect(moves({})).toBe(true);
  expect(moves({ next_run_at: '2026-03-01T05:59:00Z' })).toBe(true);
  expect(moves({ status: 'running', next_run_at: null })).toBe(true);
  expect(moves({ next_run_at: '2026-03-01T06:00:30Z' })).toBe(false);
  expect(moves({ status: 'completed', next_run_at: null })).toBe(false);
  expect(moves({ paused_at: '2026-03-01T05:00:00Z' })).toBe(false);
  expect(moves({ disabled: { reason: 'none', at: '2026-03-01T05:00:00Z', by: null } })).toBe(false);
});
