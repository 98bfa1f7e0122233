// @ts-check
// The mail catcher: takes every mail over SMTP, delivers none, shows them on a web page.
import { fileURLToPath } from 'node:url';

/** It keeps mails in memory; older ones make room. */
const KEPT_MAILS = 20_000;

/**
 * @param {import('./processes.mjs').Supervisor} supervisor
 * @param {number} smtpPort
 * @param {number} webPort
 * @param {{user: string, password: string}} [account] who may send through it; everybody without one
 */
export async function startMailCatcher(supervisor, smtpPort, webPort, account) {
  const webUrl = `http://127.0.0.1:${webPort}`;
  const program = new URL('./bin/maildev.js', import.meta.resolve('maildev'));
  const name = account ? 'the mail catcher with a password' : 'the mail catcher';
  await supervisor.start({
    name,
    command: [
      ...[process.execPath, fileURLToPath(program), '--silent'],
      ...['--ip', '127.0.0.1', '--smtp', String(smtpPort)],
      ...['--web-ip', '127.0.0.1', '--web', String(webPort)],
      ...['--max-emails', String(KEPT_MAILS)],
      ...(account ? ['--incoming-user', account.user, '--incoming-pass', account.password] : []),
    ],
    log: `${supervisor.home}/maildev${account ? '-with-password' : ''}.log`,
  });
  await supervisor.until(name, async () => {
    const answer = await fetch(`${webUrl}/api/healthz`, { signal: AbortSignal.timeout(2000) });
    return answer.ok;
  });
  return { smtpUrl: `smtp://127.0.0.1:${smtpPort}`, webUrl };
}
