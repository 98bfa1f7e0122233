// A mail server while it is being written: what the form holds, and what is sent to the server of ours.
import { ApiError } from '../../api/problem.js';

/** @typedef {Api.SmtpServer['tls']} Tls */

/**
 * @typedef {object} Draft
 * @property {string} name
 * @property {string} host
 * @property {string} port
 * @property {Tls} tls
 * @property {string} username empty: without signing in
 * @property {string} password empty: the one that is kept
 * @property {string} from_email
 * @property {string} from_name
 * @property {string} rate_per_second empty: as fast as it goes
 * @property {string} rate_per_hour
 * @property {string} sessions
 * @property {string} ehlo_name empty: same as for the installation's server
 * @property {boolean} signed with DKIM
 * @property {string} domain
 * @property {string} selector
 * @property {string} private_key empty: the one that is kept
 */

/** Where each kind of encryption is usually found. @type {Record<Tls, string>} */
export const USUAL_PORTS = { starttls: '587', implicit: '465', none: '25' };

/** Fields of the server that the form has a place for. */
export const FIELDS = [
  ...['name', 'host', 'port', 'tls', 'username', 'password', 'from_email', 'from_name'],
  ...['rate_per_second', 'rate_per_hour', 'sessions', 'ehlo_name', 'dkim'],
];

/** @returns {Draft} */
export function newDraft() {
  const address = /** @type {const} */ ({ name: '', host: '', port: USUAL_PORTS.starttls, tls: 'starttls' });
  const person = { username: '', password: '', from_email: '', from_name: '' };
  const pace = { rate_per_second: '', rate_per_hour: '', sessions: '2' };
  return { ...address, ...person, ...pace, ehlo_name: '', signed: false, domain: '', selector: '', private_key: '' };
}

/** @param {Api.SmtpServer} server @returns {Draft} */
export function draftOf({
  name,
  host,
  port,
  tls,
  username,
  from_email,
  from_name,
  sessions,
  ehlo_name,
  dkim,
  ...rates
}) {
  const limit = (/** @type {number} */ rate) => (rate ? String(rate) : '');
  return {
    ...{ name, host, port: String(port), tls },
    ...{ username: username ?? '', password: '', from_email, from_name: from_name ?? '' },
    ...{ rate_per_second: limit(rates.rate_per_second), rate_per_hour: limit(rates.rate_per_hour) },
    ...{ sessions: String(sessions), ehlo_name: ehlo_name ?? '' },
    signed: Boolean(dkim),
    ...{ domain: dkim?.domain ?? '', selector: dkim?.selector ?? '', private_key: '' },
  };
}

/** The port that goes with an encryption, unless it was one of one's own. @param {string} port @param {Tls} tls */
export const portFor = (port, tls) => (!port || Object.values(USUAL_PORTS).includes(port) ? USUAL_PORTS[tls] : port);

/** The encryption that a port stands for; at others it stays. @param {string} port @param {Tls} tls @returns {Tls} */
export function tlsFor(port, tls) {
  if (port === USUAL_PORTS.implicit) return 'implicit';
  return port === USUAL_PORTS.starttls ? 'starttls' : tls;
}

/** @param {string} text @param {string} [empty] what nothing stands for */
const numberOf = (text, empty = '') => (/^\d{1,9}$/.test(text.trim() || empty) ? Number(text.trim() || empty) : null);

/**
 * What is sent. A secret that is not typed again is not sent: the one that is there stays.
 * @param {Draft} draft
 * @param {Api.SmtpServer | null} [stored]
 */
export function bodyOf(draft, stored = null) {
  const numbers = {
    port: numberOf(draft.port),
    rate_per_second: numberOf(draft.rate_per_second, '0'),
    rate_per_hour: numberOf(draft.rate_per_hour, '0'),
    sessions: numberOf(draft.sessions),
  };
  const wrong = Object.entries(numbers).filter(([, value]) => value === null);
  if (wrong.length) {
    const fields = wrong.map(([field]) => ({ field, code: 'wrong_type', message: '' }));
    throw new ApiError('validation_failed', 422, fields);
  }
  const { name, host, tls, from_email, from_name, username } = draft;
  return {
    ...{ name, host: host.trim(), tls, from_email, from_name: from_name || null },
    .../** @type {Record<keyof typeof numbers, number>} */ (numbers),
    ...{ username: username || null, ehlo_name: draft.ehlo_name.trim() || null },
    ...passwordOf(draft, stored),
    ...dkimOf(draft, stored),
  };
}

/**
 * Whether the stored password is kept: only for the server and the user name that it was given for.
 * @param {Draft} draft
 * @param {Api.SmtpServer | null} stored
 */
export function keepsPassword({ host, port, tls, username }, stored) {
  if (!stored?.has_password) return false;
  const sameHost = host.trim().toLowerCase() === stored.host.toLowerCase();
  return sameHost && numberOf(port) === stored.port && tls === stored.tls && username === stored.username;
}

/** @param {Draft} draft @param {Api.SmtpServer | null} stored @returns {{password?: string | null}} */
function passwordOf({ username, password }, stored) {
  if (!username) return stored?.has_password ? { password: null } : {};
  return password ? { password } : {};
}

/** @param {Draft} draft @param {Api.SmtpServer | null} stored */
function dkimOf({ signed, domain, selector, private_key }, stored) {
  if (!signed) return stored?.dkim ? { dkim: null } : {};
  const key = stored?.dkim && !private_key ? {} : { private_key };
  return { dkim: { domain, selector, ...key } };
}
