// DKIM keys in the browser: making one, and the DNS record that goes with a private key. No key leaves the page for it.

/** The names that the two kinds have in DNS. @typedef {'rsa' | 'ed25519'} Kind */

const RSA = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
/** What the old form of an RSA key ("BEGIN RSA PRIVATE KEY") lacks: version 0 and the name of the algorithm. */
const RSA_HEAD = [0x02, 0x01, 0x00, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 5, 0];
const [SEQUENCE, OCTETS] = [0x30, 0x04];

/** Browsers lend their cryptography on https and localhost only. */
export const canMakeKeys = () => Boolean(globalThis.crypto?.subtle);

/** Where the record is put. @param {string} selector @param {string} domain */
export const recordName = (selector, domain) => `${selector.trim()}._domainkey.${domain.trim()}`;

/** @param {ArrayBuffer | Uint8Array} bytes */
const toBase64 = (bytes) => btoa([...new Uint8Array(bytes)].map((byte) => String.fromCharCode(byte)).join(''));

/** A new private key of 2048 bits: every receiver knows RSA. @returns {Promise<string>} */
export async function makeKey() {
  const size = { modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) };
  const { privateKey } = await crypto.subtle.generateKey({ ...RSA, ...size }, true, ['sign', 'verify']);
  const lines = toBase64(await crypto.subtle.exportKey('pkcs8', privateKey)).match(/.{1,64}/g) ?? [];
  return `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`;
}

/** The record that lets receivers check what a key has signed; empty where the key cannot be read. @param {string} pem @returns {Promise<string>} */
export async function recordOf(pem) {
  const [, name = '', text = ''] = pem.match(/-----BEGIN ((?:RSA )?PRIVATE KEY)-----([\s\S]+?)-----END/) ?? [];
  if (!text || !canMakeKeys()) return '';
  try {
    const bytes = Uint8Array.from(atob(text.replace(/\s+/g, '')), (char) => char.charCodeAt(0));
    const key = name.startsWith('RSA') ? wrapped(bytes) : bytes;
    return (await rsaRecord(key).catch(() => '')) || (await edwardsRecord(key));
  } catch {
    return '';
  }
}

/** @param {Uint8Array<ArrayBuffer>} bytes */
async function rsaRecord(bytes) {
  const key = await crypto.subtle.importKey('pkcs8', bytes, RSA, true, ['sign']);
  const { kty, n, e } = await crypto.subtle.exportKey('jwk', key);
  const open = await crypto.subtle.importKey('jwk', /** @type {JsonWebKey} */ ({ kty, n, e }), RSA, true, ['verify']);
  return record('rsa', toBase64(await crypto.subtle.exportKey('spki', open)));
}

/** @param {Uint8Array<ArrayBuffer>} bytes */
async function edwardsRecord(bytes) {
  const key = await crypto.subtle.importKey('pkcs8', bytes, { name: 'Ed25519' }, true, ['sign']);
  const { x = '' } = await crypto.subtle.exportKey('jwk', key);
  return record('ed25519', `${x.replaceAll('-', '+').replaceAll('_', '/')}${'='.repeat((4 - (x.length % 4)) % 4)}`);
}

/** @param {Kind} kind @param {string} key */
const record = (kind, key) => `v=DKIM1; k=${kind}; p=${key}`;

/** The old form as the new one. @param {Uint8Array} key */
const wrapped = (key) => element(SEQUENCE, [...RSA_HEAD, ...element(OCTETS, [...key])]);

/** A piece of ASN.1: its kind, its length, itself. @param {number} kind @param {number[]} content */
function element(kind, content) {
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Uint8Array.from([kind, ...size, ...content]);
}
