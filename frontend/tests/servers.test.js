// A mail server of one's own: from the form to what is sent, how far a test has come, what goes into DNS.
import { generateKeyPairSync } from 'node:crypto';

import { expect, it } from 'vitest';

import { makeKey, recordName, recordOf } from '../src/features/smtp-servers/dkim.js';
import { bodyOf, draftOf, keepsPassword, newDraft, portFor, tlsFor } from '../src/features/smtp-servers/draft.js';
import { stepsOf } from '../src/features/smtp-servers/steps.js';

/** @param {Partial<Api.SmtpServer>} [changes] */
const server = (changes) =>
  /** @type {Api.SmtpServer} */ ({
    ...{ id: 3, name: 'Ours', host: 'mail.example.org', port: 2525, tls: 'starttls', sessions: 2 },
    ...{ username: 'news', has_password: true, from_email: 'news@example.org', from_name: null },
    ...{ rate_per_second: 0, rate_per_hour: 500, dkim: null, mailings_count: 0, checked_at: null },
    ...changes,
  });
const signed = () => server({ dkim: { domain: 'example.org', selector: 'a', has_key: true } });

it('what was not touched is sent as it was, and no secret with it', () => {
  const body = bodyOf(draftOf(server()), server());
  expect(body).toMatchObject({ port: 2525, rate_per_second: 0, rate_per_hour: 500, username: 'news', from_name: null });
  expect(Object.keys(body)).not.toContain('password');
  expect(Object.keys(body)).not.toContain('dkim');
});

it('a password that is typed is sent, and taking the user name away takes the password with it', () => {
  expect(bodyOf({ ...draftOf(server()), password: 'new one' }, server())).toMatchObject({ password: 'new one' });
  expect(bodyOf({ ...draftOf(server()), username: '' }, server())).toMatchObject({ username: null, password: null });
  expect(Object.keys(bodyOf(newDraft()))).not.toContain('password');
});

it('a stored password stays only with the host, port, encryption and user name it was given for', () => {
  const stays = (/** @type {Partial<import('../src/features/smtp-servers/draft.js').Draft>} */ changes) =>
    keepsPassword({ ...draftOf(server()), ...changes }, server());
  expect(stays({})).toBe(true);
  expect(stays({ name: 'Renamed', host: ' MAIL.example.org ' })).toBe(true);
  for (const changes of [{ host: 'other.example' }, { port: '25' }, { username: 'else' }, { username: '' }]) {
    expect(stays(changes)).toBe(false);
  }
  expect(stays({ tls: 'none' })).toBe(false);
  expect(keepsPassword(newDraft(), null)).toBe(false);
});

it('a signature keeps its key until another is typed, and goes when it is not wanted', () => {
  const draft = draftOf(signed());
  expect(bodyOf({ ...draft, selector: 'b' }, signed())).toMatchObject({
    dkim: { domain: 'example.org', selector: 'b' },
  });
  expect(bodyOf({ ...draft, private_key: 'PEM' }, signed())).toMatchObject({ dkim: { private_key: 'PEM' } });
  expect(bodyOf({ ...draft, signed: false }, signed())).toMatchObject({ dkim: null });
});

it('what is no number is told at its field before anything is sent', () => {
  const draft = { ...newDraft(), port: '25x', rate_per_hour: '-1', sessions: '' };
  expect(() => bodyOf(draft)).toThrow(
    expect.objectContaining({
      fields: ['port', 'rate_per_hour', 'sessions'].map((field) => expect.objectContaining({ field })),
    }),
  );
});

it('the port follows the encryption unless it is one of its own, and 465 and 587 bring theirs', () => {
  expect(portFor('587', 'implicit')).toBe('465');
  expect(portFor('465', 'none')).toBe('25');
  expect(portFor('2525', 'implicit')).toBe('2525');
  expect(tlsFor('465', 'starttls')).toBe('implicit');
  expect(tlsFor('587', 'implicit')).toBe('starttls');
  expect(tlsFor('2525', 'none')).toBe('none');
});

it('a test shows what is behind it, where it failed, and what it did not reach', () => {
  const states = (/** @type {Api.SmtpServer} */ one, /** @type {Api.ServerTest['stage']} */ stage) =>
    stepsOf(one, { ok: stage === 'done', stage }).map(({ stage: step, state }) => `${step} ${state}`);
  expect(states(server(), 'auth')).toEqual([
    ...['resolve passed', 'connect passed', 'greeting passed', 'ehlo passed', 'tls passed'],
    ...['auth failed', 'sender ahead'],
  ]);
  expect(states(server({ tls: 'implicit', username: null }), 'tls')).toEqual([
    ...['resolve passed', 'connect passed', 'tls failed', 'greeting ahead', 'ehlo ahead', 'sender ahead'],
  ]);
  expect(states(server({ tls: 'none' }), 'done').every((step) => step.endsWith(' passed'))).toBe(true);
});

it('the record in DNS is the public half of the key, in whichever form the key comes', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const open = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
  for (const type of /** @type {const} */ (['pkcs1', 'pkcs8'])) {
    const pem = String(privateKey.export({ type, format: 'pem' }));
    expect(await recordOf(pem)).toBe(`v=DKIM1; k=rsa; p=${open}`);
  }
  const edwards = generateKeyPairSync('ed25519');
  const raw = edwards.publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64');
  const pem = String(edwards.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  expect(await recordOf(pem)).toBe(`v=DKIM1; k=ed25519; p=${raw}`);
  expect(recordName(' dispatch', 'example.org ')).toBe('dispatch._domainkey.example.org');
});

it('a key that is made here has a record, and what is no key has none', async () => {
  expect(await recordOf(await makeKey())).toMatch(/^v=DKIM1; k=rsa; p=MII[\w+/]{300,}={0,2}$/);
  for (const text of ['', 'none', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----'])
    expect(await recordOf(text)).toBe('');
});
