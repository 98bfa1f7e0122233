// @ts-check
// The backend as a supervised service, with the settings that make it use the private services.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { DEV, FRONTEND_DIST } from './build.mjs';

/**
 * @typedef {object} Services
 * @property {string} databaseUrl
 * @property {string} smtpUrl
 * @property {string} [mailWebUrl]
 * @property {number} port  where the backend is to listen
 */

/** Everything that the backend can be told from outside. */
const SETTINGS = [
  ...['DATABASE_URL', 'DB_POOL_SIZE', 'REDIS_URL', 'CACHE', 'BIND', 'PUBLIC_URL', 'FRONTEND_DIR'],
  'CORS_ORIGINS',
  ...['APP_SECRET', 'APP_ENV', 'TRUSTED_PROXIES', 'LIMITS', 'ADMIN_EMAIL', 'ADMIN_PASSWORD'],
  ...['SIGN_UP', 'DEMO_PASSWORD', 'QUOTA_RECIPIENTS', 'QUOTA_MAILS_A_DAY'],
  ...[
    'SMTP_URL',
    'SMTP_SESSIONS',
    'SMTP_SESSIONS_IN_ALL',
    'SMTP_RATE',
    'SMTP_HOURLY',
    'SMTP_EHLO_NAME',
    'JOURNAL_DIR',
  ],
  ...['OWN_SMTP_PORTS', 'OWN_SMTP_NETWORKS', 'DKIM_DOMAIN', 'DKIM_SELECTOR', 'DKIM_KEY_FILE'],
  ...['MAIL_FROM', 'MAIL_WEB_URL', 'POLL_INTERVAL_MS'],
  ...['EVENTS_KEPT_DAYS', 'METRICS_BIND', 'LOG_FORMAT', 'RUST_LOG'],
  ...['APP_SECRET_FILE', 'DATABASE_URL_FILE', 'DATABASE_PASSWORD_FILE', 'SMTP_URL_FILE'],
  ...['REDIS_URL_FILE', 'ADMIN_PASSWORD_FILE'],
];

/** Long enough for the mails that are on their way. */
const DRAIN_SECONDS = 20;

/**
 * The caller's settings, in the environment or in `.env`, are not to decide whether a test passes or how fast it is: an
 * empty one counts as unset, and `.env` does not fill it in.
 */
export function forgetSettings() {
  for (const setting of SETTINGS) process.env[setting] = '';
}

/**
 * The environment of every backend command; what the caller's environment says about the rest stays.
 * @param {Services} services
 * @param {string} secret
 * @returns {NodeJS.ProcessEnv}
 */
export function settings({ databaseUrl, smtpUrl, mailWebUrl, port }, secret) {
  const bind = `127.0.0.1:${port}`;
  return {
    ...process.env,
    DATABASE_URL: databaseUrl,
    SMTP_URL: smtpUrl,
    MAIL_WEB_URL: mailWebUrl,
    BIND: bind,
    PUBLIC_URL: process.env.PUBLIC_URL || `http://${bind}`,
    APP_SECRET: process.env.APP_SECRET || secret,
    FRONTEND_DIR: process.env.FRONTEND_DIR || FRONTEND_DIST,
    JOURNAL_DIR: process.env.JOURNAL_DIR || path.join(DEV, '.data/journal'),
  };
}

/**
 * Starts `dispatch serve`, waits until it is ready, and returns its process.
 * @param {import('./processes.mjs').Supervisor} supervisor
 * @param {Pick<import('./processes.mjs').Job, 'command' | 'env' | 'log'>} job
 */
export async function serve(supervisor, job) {
  const pid = await supervisor.start({ name: 'the backend', grace: DRAIN_SECONDS, ...job });
  await supervisor.until('the backend', async () => {
    const answer = await fetch(`http://${job.env?.BIND}/readyz`, {
      signal: AbortSignal.timeout(2000),
    });
    return answer.ok;
  });
  return pid;
}

/**
 * A key for signing that outlives a restart: sessions and mailed links stay good.
 * @param {string} home
 */
export function keptSecret(home) {
  const file = path.join(home, 'app.secret');
  if (!fs.existsSync(file))
    fs.writeFileSync(file, randomBytes(48).toString('base64url'), { mode: 0o600 });
  return fs.readFileSync(file, 'utf8');
}
