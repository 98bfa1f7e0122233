// The texts: both languages complete, every code of the API has one, Russian counts as Russians do.
import { expect, it } from 'vitest';

import en from '../src/i18n/en/index.js';
import { KINDS } from '../src/features/events/events.js';
import { ROLES } from '../src/features/users/users.js';
import { i18n, russianPlural, setLanguage } from '../src/i18n/index.js';
import ru from '../src/i18n/ru/index.js';

/** @param {object} texts @returns {string[]} */
const keysOf = (texts, path = '') =>
  Object.entries(texts).flatMap(([key, value]) =>
    typeof value === 'object' ? keysOf(value, `${path}${key}.`) : [`${path}${key}`],
  );

/** @param {object} texts @returns {[string, string][]} */
const flat = (texts, path = '') =>
  Object.entries(texts).flatMap(([key, value]) =>
    typeof value === 'object'
      ? flat(value, `${path}${key}.`)
      : [/** @type {[string, string]} */ ([`${path}${key}`, value])],
  );

const PROBLEMS =
  `malformed unauthenticated invalid_credentials forbidden not_found method_not_allowed timeout conflict email_taken
  message_in_use run_open outside_window no_recipients precondition_failed payload_too_large unsupported_media_type validation_failed
  token_invalid too_many_requests internal unavailable network already_suppressed stays_suppressed sender_deleted mail_not_kept already_deleted completed disabled mailing_deleted no_run
  not_blockable nothing_to_retry owner_blocked paused last_admin token_read_only token_not_allowed too_many_tokens
  recipients_quota quota_used_up over_quota smtp_server_in_use smtp_servers_quota`.split(/\s+/);
const FIELDS =
  `required invalid_email too_long too_short control_characters taken in_past not_after_start unknown_time_zone not_found
  unknown_field wrong_type out_of_range common_password invalid_template unknown_value wrong_password
  unsupported_image too_many_pixels too_large over_quota
  invalid_host port_not_allowed address_not_allowed invalid_ehlo_name invalid_selector invalid_key encrypted_key public_key certificate`.split(
    /\s+/,
  );

/** @type {Record<NonNullable<Api.FieldError['template']>['kind'], true>} */
const FINDINGS = {
  unknown_placeholder: true,
  unknown_filter: true,
  unknown_statement: true,
  not_available: true,
  unexpected_character: true,
  invisible_character: true,
  markup_inside: true,
  not_closed: true,
  not_opened: true,
  too_many_braces: true,
  percent_encoded: true,
  dead_link: true,
  changed_link: true,
  too_long: true,
  invalid: true,
  foreign_syntax: true,
  empty_subject: true,
};

it('Russian and English say the same things', () => {
  expect(keysOf(ru)).toEqual(keysOf(en));
});

it('every code of the API has a text', () => {
  for (const texts of [ru, en]) {
    expect(Object.keys(texts.errors)).toEqual(expect.arrayContaining(PROBLEMS));
    expect(Object.keys(texts.fields)).toEqual(expect.arrayContaining(FIELDS));
    expect(Object.keys(texts.template)).toEqual(expect.arrayContaining(Object.keys(FINDINGS)));
  }
});

it('every state, reason and outcome of the API has a word', () => {
  /** @type {Record<Api.StateReason, true>} */
  const reasons = {
    waiting: true,
    sending: true,
    finished: true,
    window_over: true,
    disabled: true,
    owner_blocked: true,
    paused: true,
    content_rejected: true,
    recipients_refused: true,
    mail_server_defers: true,
    mail_server_refuses: true,
    mail_server_does_not_confirm: true,
    mail_server_unreachable: true,
    no_recipients: true,
    quota_used_up: true,
  };
  /** @type {Record<Api.ServerTest['advice'], true>} */
  const advice = {
    works: true,
    host_not_found: true,
    address_not_allowed: true,
    port_not_allowed: true,
    no_connection: true,
    no_answer: true,
    not_smtp: true,
    implicit_tls_expected: true,
    starttls_expected: true,
    starttls_not_offered: true,
    tls_failed: true,
    certificate_not_trusted: true,
    refused: true,
    auth_not_offered: true,
    credentials_refused: true,
    credentials_unreadable: true,
    sender_refused: true,
    try_later: true,
  };
  for (const texts of [ru, en]) {
    expect(Object.keys(texts.mailings.reasons).sort()).toEqual(Object.keys(reasons).sort());
    expect(Object.keys(texts.runs.skips).sort()).toEqual(['cancelled', 'recipient_deleted', 'suppressed']);
    expect(Object.keys(texts.suppressions.reasons).sort()).toEqual(['manual', 'rejected', 'unsubscribed']);
    expect(Object.keys(texts.events.kinds).sort()).toEqual([...KINDS].sort());
    expect(Object.keys(texts.smtp.advice).sort()).toEqual([...Object.keys(advice), 'other'].sort());
    for (const role of ROLES) expect(texts.users.roles[role]).toBeTruthy();
  }
});

it('every text that is chosen while the page runs comes from a group that is there', () => {
  /** @type {Record<string, string>} */
  const sources = import.meta.glob('../src/**/*.{vue,js}', { eager: true, query: '?raw', import: 'default' });
  const known = new Set(
    keysOf(en).flatMap((key) => key.split('.').map((_, at, parts) => parts.slice(0, at).join('.'))),
  );
  const asked = Object.entries(sources).flatMap(([file, source]) =>
    [...source.matchAll(/\bt\(\s*`([\w.]+)\.\$\{/g)].map(([, group = '']) => ({ file, group })),
  );
  expect(asked.length).toBeGreaterThan(20);
  expect(asked.filter(({ group }) => !known.has(group))).toEqual([]);
});

it('both languages use the same placeholders, and a text that counts has all its forms', () => {
  const english = new Map(flat(en));
  for (const [key, text] of flat(ru)) {
    const names = (/** @type {string} */ from) => [...new Set(from.match(/\{\w+\}/g) ?? [])].sort();
    expect(names(text), key).toEqual(names(english.get(key) ?? ''));
    const forms = text.split(' | ').length;
    expect([1, 3], key).toContain(forms);
    expect(english.get(key)?.split(' | '), key).toHaveLength(forms === 3 ? 2 : 1);
  }
});

it('every text can be read by the machine that shows it', async () => {
  for (const language of /** @type {const} */ (['ru', 'en'])) {
    await setLanguage(language);
    for (const [key] of flat(language === 'ru' ? ru : en)) expect(i18n.global.t(key), key).not.toBe('');
  }
});

it('Russian counts 1, 2 and 5 in three forms', () => {
  expect([1, 21, 101].map(russianPlural)).toEqual([0, 0, 0]);
  expect([2, 3, 4, 22, 104].map(russianPlural)).toEqual([1, 1, 1, 1, 1]);
  expect([0, 5, 11, 12, 14, 20, 111, 112].map(russianPlural)).toEqual([2, 2, 2, 2, 2, 2, 2, 2]);
});
