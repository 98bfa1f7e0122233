// The way to a mail server, step by step, and how far a test has come on it.

/** @typedef {Api.ServerTest['stage']} Stage */
/** @typedef {{stage: Exclude<Stage, 'done'>, state: 'passed' | 'failed' | 'ahead'}} Step */

/** In the order they are taken: encryption comes first, or after the greetings. */
const WAYS = /** @type {const} */ ({
  none: ['resolve', 'connect', 'greeting', 'ehlo', 'auth', 'sender'],
  starttls: ['resolve', 'connect', 'greeting', 'ehlo', 'tls', 'auth', 'sender'],
  implicit: ['resolve', 'connect', 'tls', 'greeting', 'ehlo', 'auth', 'sender'],
});

/**
 * @param {Pick<Api.SmtpServer, 'tls' | 'username'>} server
 * @param {Pick<Api.ServerTest, 'ok' | 'stage'>} result
 * @returns {Step[]}
 */
export function stepsOf({ tls, username }, { ok, stage }) {
  const way = WAYS[tls].filter((step) => step !== 'auth' || username || stage === 'auth');
  const reached = ok || stage === 'done' ? way.length : way.findIndex((step) => step === stage);
  return way.map((step, at) => ({
    stage: step,
    state: at < reached ? 'passed' : at === reached ? 'failed' : 'ahead',
  }));
}
