// Who sees and may do what, mailed links, devices by name, pictures, tokens and the journal's filters.
import { expect, it } from 'vitest';

import { mayOpen } from '../src/features/auth/roles.js';
import { mailedInvitation, mailedToken } from '../src/features/auth/token.js';
import { eventQuery, subjectLink } from '../src/features/events/events.js';
import { menuOf } from '../src/features/home/menu.js';
import { isOpenToMany } from '../src/features/home/site.js';
import { pictureProblem } from '../src/features/profile/picture.js';
import { describeAgent } from '../src/features/sessions/agent.js';
import { expiryOf } from '../src/features/tokens/tokens.js';
import { stateOf } from '../src/features/users/looks.js';
import { rolesFor, standingOf } from '../src/features/users/permitted.js';

const user = { id: 1, role: /** @type {const} */ ('user') };
const manager = { id: 2, role: /** @type {const} */ ('manager') };
const admin = { id: 3, role: /** @type {const} */ ('admin') };
const block = { at: '2026-03-01T06:00:00Z', by: null, reason: 'Spam' };

it('each role has its own menu', () => {
  const names = (/** @type {import('../src/features/auth/roles.js').Somebody} */ who) =>
    menuOf(who).map(({ name }) => name);
  expect(names(user)).toContain('new-mailing');
  expect(names(user)).not.toContain('users');
  expect(names(manager)).toEqual(expect.arrayContaining(['mailings', 'users', 'events']));
  expect(names(manager)).not.toContain('new-mailing');
  expect(names(admin)).toEqual(expect.arrayContaining(['new-mailing', 'users', 'events']));
});

it('an invitation brings its token and its address, and nothing else does', () => {
  const hash = '#invitation=a-b_c&email=ann%2Bnews%40example.org';
  expect(mailedInvitation(hash)).toEqual({ token: 'a-b_c', email: 'ann+news@example.org' });
  expect(mailedInvitation('')).toEqual({ token: '', email: '' });
});

it('signing up is offered only where it is known to be open', () => {
  const open = (/** @type {Api.Site['sign_up']} */ sign_up) => isOpenToMany({ sign_up });
  expect(['open', 'domains'].map((one) => open(/** @type {Api.Site['sign_up']} */ (one)))).toEqual([true, true]);
  expect(['invited', 'closed'].map((one) => open(/** @type {Api.Site['sign_up']} */ (one)))).toEqual([false, false]);
  expect(isOpenToMany(null)).toBe(false);
});

it('a page for staff is closed to users, a page for making something to managers', () => {
  const open = (/** @type {object} */ meta) => [user, manager, admin].map((who) => mayOpen(meta, who));
  expect(open({})).toEqual([true, true, true]);
  expect(open({ staff: true })).toEqual([false, true, true]);
  expect(open({ owners: true })).toEqual([true, false, true]);
  expect(mayOpen({ staff: true }, null)).toBe(false);
});

it('only users are blocked, and never by users', () => {
  const free = { ...user, blocked: null };
  expect(standingOf(free, manager)).toBe('block');
  expect(standingOf({ ...user, blocked: block }, manager)).toBe('unblock');
  expect(standingOf({ ...manager, blocked: null }, admin)).toBeNull();
  expect(standingOf({ ...admin, blocked: null }, admin)).toBeNull();
  expect(standingOf(free, user)).toBeNull();
});

it('only administrators give roles, and none that is there already', () => {
  expect(rolesFor({ role: 'user' }, admin)).toEqual(['manager', 'admin']);
  expect(rolesFor({ role: 'user' }, manager)).toEqual([]);
});

it('a block says more about an account than a missing confirmation', () => {
  expect(stateOf({ blocked: null, is_confirmed: true })).toBe('active');
  expect(stateOf({ blocked: null, is_confirmed: false })).toBe('unconfirmed');
  expect(stateOf({ blocked: block, is_confirmed: false })).toBe('blocked');
});

it('the secret of a mailed link stands behind its name', () => {
  expect(mailedToken('#token=Ab-_9')).toBe('Ab-_9');
  expect(mailedToken('')).toBe('');
  expect(mailedToken('#other=1')).toBe('');
});

it('a device is called as people call it, whatever it claims to be', () => {
  const windows = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64)';
  const blink = 'AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36';
  const iphone =
    'Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 Version/19.1 Safari/604.1';
  expect(describeAgent(`${windows} ${blink}`)).toEqual({ name: 'Chrome, Windows', handHeld: false });
  expect(describeAgent(`${windows} ${blink} Edg/143.0.0.0`).name).toBe('Edge, Windows');
  expect(describeAgent(iphone)).toEqual({ name: 'Safari, iPhone', handHeld: true });
  expect(describeAgent('curl/8.17.0').name).toBe('');
});

it('a picture the server would refuse is refused before it is sent', () => {
  const wrong = (/** @type {string} */ code) => ({ fields: [{ field: 'image', code }] });
  expect(pictureProblem({ type: 'image/png', size: 5 * 1024 * 1024 })).toBeNull();
  expect(pictureProblem({ type: 'image/png', size: 5 * 1024 * 1024 + 1 })).toMatchObject(wrong('too_large'));
  expect(pictureProblem({ type: 'image/svg+xml', size: 10 })).toMatchObject(wrong('unsupported_image'));
});

it('a token ends after its days, or never', () => {
  expect(expiryOf('30', Date.parse('2026-01-01T00:00:00Z'))).toBe('2026-01-31T00:00:00.000Z');
  expect(expiryOf('')).toBeNull();
});

it('the journal is asked for whole days of the user’s zone', () => {
  const query = eventQuery(
    { actor_id: '7', kind: 'user_blocked', from: '2026-03-01', to: '2026-03-01' },
    'Europe/Moscow',
  );
  expect(query).toEqual({
    actor_id: 7,
    kind: 'user_blocked',
    from: '2026-02-28T21:00:00.000Z',
    to: '2026-03-01T21:00:00.000Z',
  });
});

it('what an entry is about can be opened unless it was deleted', () => {
  const subject = /** @type {any} */ ({ kind: 'mailing', id: 4, name: 'News' });
  expect(subjectLink({ kind: 'mailing_disabled', subject })).toEqual({ name: 'mailing', params: { id: 4 } });
  expect(subjectLink({ kind: 'mailing_deleted', subject })).toBeNull();
  expect(subjectLink({ kind: 'signed_out', subject: null })).toBeNull();
});
