#!/usr/bin/env node
// Mails the people of a list through Dispatch and prints what the mail server answered for each. Node.js 20, nothing else.
//
//     export DISPATCH_URL=https://dispatch.example.org DISPATCH_TOKEN=…    # an API token of the scope `full`
//     printf 'ada@example.org,Ada Lovelace\n' | node client.mjs 'News of the week'
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

const API = `${process.env.DISPATCH_URL ?? 'http://127.0.0.1:8000'}/api/v1`;
const TOKEN = process.env.DISPATCH_TOKEN ?? '';

/** A problem as RFC 9457 has it: `code` is for programs, `detail` for people, `fields` name the mistakes. */
class Refused extends Error {
  constructor(status, { code, detail, fields = [] }) {
    const mistakes = fields.map(({ field, message }) => `${field}: ${message}`);
    super(`${status} ${code}: ${mistakes.join('; ') || detail}`);
    Object.assign(this, { status, code });
  }
}

/** One request; asks again when told to wait (429, 503), for then nothing has been done. */
async function request(method, path, body) {
  for (;;) {
    const answer = await fetch(API + path, {
      method,
      headers: { Authorization: `Bearer ${TOKEN}`, 'Content-Type': 'application/json' },
      body: body && JSON.stringify(body),
    });
    if (answer.ok) return answer;
    if (![429, 503].includes(answer.status))
      throw new Refused(answer.status, await answer.json().catch(() => ({})));
    await sleep(1000 * Number(answer.headers.get('Retry-After') ?? 2));
  }
}

async function ask(method, path, body) {
  const answer = await request(method, path, body);
  return answer.status === 204 ? undefined : answer.json();
}

/** A recipient's id; one who is there already is found. */
async function recipientId(email, full_name) {
  try {
    return (await ask('POST', '/recipients', { email, full_name })).id;
  } catch (error) {
    if (error.status !== 409) throw error;
  }
  for (let page = 1; ; page++) {
    const query = new URLSearchParams({ q: email, page, per_page: 100 });
    const { items, total, per_page } = await ask('GET', `/recipients?${query}`);
    const known = items.find((one) => one.email.toLowerCase() === email.toLowerCase());
    if (known) return known.id;
    if (page * per_page >= total) throw new Error(`${email} is there and is not found`);
  }
}

/** All items of a list without page numbers: each stretch says where the next one begins. */
async function allOfLog(path, filter) {
  const found = [];
  for (let cursor; ; ) {
    const query = new URLSearchParams({ ...filter, limit: 200, ...(cursor && { cursor }) });
    const { items, next_cursor } = await ask('GET', `${path}?${query}`);
    found.push(...items);
    if (!next_cursor) return found;
    cursor = next_cursor;
  }
}

/** The mailing each time it has changed. The service may end the stream at any time: then it is asked for again. */
async function* changes(mailingId) {
  for (;;) {
    const { body } = await request('GET', `/mailings/${mailingId}/live`);
    let read = '';
    for await (const piece of body.pipeThrough(new TextDecoderStream())) {
      const events = (read + piece).split('\n\n');
      read = events.pop();
      for (const event of events) {
        const data = event.split('\n').filter((line) => line.startsWith('data:'));
        if (data.length > 0) yield JSON.parse(data.map((line) => line.slice(5)).join('\n'));
      }
    }
    await sleep(1000);
  }
}

/** The mailing's run, when nothing of it is left to be sent. Those who are asked to wait are tried again for a day. */
async function finishedRun(mailingId) {
  for await (const { last_run } of changes(mailingId)) {
    if (!last_run) continue;
    if (['finished', 'cancelled'].includes(last_run.status)) return last_run;
    console.error(`${last_run.counts.accepted} of ${last_run.counts.total} accepted`);
  }
}

async function main() {
  const subject = process.argv[2] ?? 'Hello';
  const lines = (await text(process.stdin)).split('\n').filter((line) => line.trim());
  const ids = [];
  for (const line of lines) {
    const [email, name = ''] = line.split(',').map((part) => part.trim());
    ids.push(await recipientId(email, name));
  }
  const html = "<p>Hello, {{ full_name | default('friend', true) }}!</p>";
  const message = await ask('POST', '/messages', { subject, html });
  const mailing = await ask('POST', '/mailings', {
    message_id: message.id,
    recipients: { ids },
    start_now: true,
    recurrence: 'once',
    time_zone: 'UTC',
  });
  const run = await finishedRun(mailing.id);
  const attempts = await allOfLog('/attempts', { run_id: run.id });
  const byAddress = (one, other) => (one.recipient.email < other.recipient.email ? -1 : 1);
  for (const { recipient, outcome, smtp_code, response } of attempts.sort(byAddress))
    console.log(recipient.email, outcome, smtp_code ?? '-', response);
}

await main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
