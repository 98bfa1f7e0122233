// @ts-check
// The clients of the API's guide do the whole job, each as somebody who has just signed up would start it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { mailsTo, mailTo } from './catcher.mjs';

const URL_ = process.env.E2E_BASE_URL ?? 'http://127.0.0.1:8000';
const EXAMPLES = fileURLToPath(new URL('../../../openapi/examples/', import.meta.url));
const PASSWORD = 'семь вязов у реки';
const run = Date.now().toString(36);

/** @type {[string, string[]][]} */
const CLIENTS = [
  ['python', ['python3', 'client.py']],
  ['node', [process.execPath, 'client.mjs']],
  ['shell', ['bash', 'client.sh']],
];

// Each waits for mails most of the time.
describe('the clients of the guide', { concurrency: true }, () => {
  for (const [name, command] of CLIENTS)
    test(`the ${name} client mails three people and says what became of each`, async () => {
      const token = await newToken(name);
      const people = ['ada', 'bare', 'ivan'].map((one) => `${one}.${name}.${run}@example.com`);
      const [ada = '', bare = '', ivan = ''] = people;
      const list = `${ada},Ada Lovelace\n${ivan},Иван Петров\n${bare}\n`;
      for (const subject of ['First news', 'Осенний каталог']) {
        // The second time everybody is there already.
        const { code, out, err } = await client(command, subject, list, token);
        assert.equal(code, 0, err);
        const said = out.trimEnd().split('\n');
        assert.equal(said.length, people.length, out);
        for (const [n, line] of said.entries())
          assert.match(line, new RegExp(`^${people[n]} accepted 250 \\S+`));
        const [mail] = (await mailsTo(ivan)).filter((one) => one.subject === subject);
        assert.match(mail?.html ?? '', /Hello, Иван Петров!/);
        const [other] = (await mailsTo(bare)).filter((one) => one.subject === subject);
        assert.match(other?.html ?? '', /Hello, friend!/);
      }
      const refused = await client(command, 'x', 'nobody\n', token);
      const told = '422 validation_failed: email: This is not an e-mail address.\n';
      assert.deepEqual([refused.code, refused.err], [1, told]);
      const stranger = await client(command, 'x', `${ada}\n`, 'dsp_no_token_at_all');
      assert.equal(stranger.code, 1);
      assert.match(stranger.err, /^401 unauthenticated: Sign in first/);
    });
});

/**
 * @param {string[]} command
 * @param {string} subject
 * @param {string} input
 * @param {string} token
 */
async function client([program = '', ...rest], subject, input, token) {
  const env = { ...process.env, DISPATCH_URL: URL_, DISPATCH_TOKEN: token };
  const child = spawn(program, [...rest, subject], { cwd: EXAMPLES, env });
  child.stdin.end(input);
  const ended = new Promise((resolve) => child.on('close', resolve));
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await ended, out, err };
}

/**
 * Of somebody new, by the steps of the guide.
 * @param {string} name
 */
async function newToken(name) {
  const email = `${name}.${run}@example.com`;
  await ask('/auth/sign-up', { email, password: PASSWORD });
  const mail = await mailTo(email);
  const token = /\/confirm#token=([\w~.-]+)/.exec(mail.text)?.[1];
  await ask('/auth/confirm', { token });
  const { access_token } = await ask('/auth/sign-in', { email, password: PASSWORD });
  return (await ask('/me/tokens', { name: 'guide', scope: 'full' }, access_token)).token;
}

/**
 * @param {string} path
 * @param {object} body
 * @param {string} [bearer]
 */
async function ask(path, body, bearer) {
  const answer = await fetch(`${URL_}/api/v1${path}`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      ...(bearer && { Authorization: `Bearer ${bearer}` }),
    },
    body: JSON.stringify(body),
  });
  const said = await answer.text();
  assert.ok(answer.ok, `${path}: ${answer.status} ${said}`);
  return said ? JSON.parse(said) : undefined;
}
