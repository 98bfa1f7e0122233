// @ts-check
// `make run`: PostgreSQL, a mail catcher, migrations, the backend with the page; Ctrl-C stops all of it, in order.
import fs from 'node:fs';
import path from 'node:path';
import { keptSecret, serve, settings } from './backend.mjs';
import { buildBackend, buildPage, DEV, installPackages, ROOT } from './build.mjs';
import { startMailCatcher } from './mail.mjs';
import { choosePorts } from './ports.mjs';
import { startPostgres } from './postgres.mjs';
import { Supervisor } from './processes.mjs';

const supervisor = new Supervisor('run', path.join(DEV, '.data'));
const dotenv = path.join(ROOT, '.env');
if (fs.existsSync(dotenv)) process.loadEnvFile(dotenv); // what the environment says goes before
await supervisor.supervise(run);

async function run() {
  const services = await startServices(process.env);
  const program = await buildBackend(supervisor);
  await buildPage(supervisor);
  const env = settings(services, keptSecret(supervisor.home));
  await supervisor.step({ name: 'dispatch migrate', command: [program, 'migrate'], env });
  const people = process.env.DEMO ? await seedDemo(program, env) : '';
  await serve(supervisor, { command: [program, 'serve'], env });
  announce(services, env.PUBLIC_URL ?? '', people);
  await supervisor.forever();
}

/**
 * Starts the services that the environment does not bring.
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<import('./backend.mjs').Services>}
 */
async function startServices(env) {
  const { DATABASE_URL, SMTP_URL } = env;
  const ports = await choosePorts(
    {
      PORT: 8000,
      ...(DATABASE_URL ? {} : { PGPORT: 54_320 }),
      ...(SMTP_URL ? {} : { SMTP_PORT: 1025, MAIL_WEB_PORT: 1080 }),
    },
    env,
    supervisor.say,
  );
  const { PORT: port = 0, PGPORT = 0, SMTP_PORT = 0, MAIL_WEB_PORT = 0 } = ports;
  if (!DATABASE_URL || !SMTP_URL) await installPackages(supervisor, DEV);
  const databaseUrl = DATABASE_URL || (await startPostgres(supervisor, PGPORT, 'kept'))('dispatch');
  if (SMTP_URL) return { port, databaseUrl, smtpUrl: SMTP_URL, mailWebUrl: env.MAIL_WEB_URL };
  const { smtpUrl, webUrl } = await startMailCatcher(supervisor, SMTP_PORT, MAIL_WEB_PORT);
  return { port, databaseUrl, smtpUrl, mailWebUrl: webUrl };
}

/** Publicly known, for local use only: the program rejects it in production. */
const DEMO_PASSWORD = 'dispatch-demo';

/**
 * What the command says about the demo users. It refuses a database with data, which is no reason not to start.
 * @param {string} program
 * @param {NodeJS.ProcessEnv} env
 */
async function seedDemo(program, env) {
  supervisor.say('adding demo data');
  const job = { name: 'dispatch seed-demo', command: [program, 'seed-demo'] };
  const demo = { DEMO_PASSWORD, ...env };
  return supervisor.step({ ...job, env: demo, stdout: 'keep' }).catch((fault) => {
    supervisor.say(`no demo data added: ${fault.message}`);
    return '';
  });
}

/**
 * @param {import('./backend.mjs').Services} services
 * @param {string} url
 * @param {string} people
 */
function announce({ databaseUrl, smtpUrl, mailWebUrl }, url, people) {
  const line = '─'.repeat(72);
  const demo = people.trim() && `\n\n${people.trim().replaceAll(/^/gm, '  ')}`;
  console.log(`
${line}
  Dispatch is running

  The app        ${url}
  API (Swagger)  ${url}/api/docs
  Sent mails     ${mailWebUrl ?? 'delivered by the mail server below'}
  Mail server    ${withoutPassword(smtpUrl)}
  Database       ${withoutPassword(databaseUrl)}${demo}

  Ctrl-C stops everything. Data stays in ${path.relative(process.cwd(), supervisor.home)}/
${line}
`);
}

/** @param {string} text */
function withoutPassword(text) {
  const url = new URL(text);
  url.password = '';
  return url.href;
}
