// @ts-check
// What the supervisor leaves behind when it is stopped, killed, started twice, or when a service dies: nothing.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { commandLine } from '../pidfile.mjs';

const PROGRAM = fileURLToPath(new URL('./supervised.mjs', import.meta.url));

for (const [signal, code] of /** @type {const} */ ([
  ['SIGINT', 130],
  ['SIGTERM', 143],
]))
  test(`${signal} stops the services, newest first`, async (t) => {
    const run = launch(folder(t), 'services');
    await run.says(/first runs/);
    await run.says(/second runs/);
    run.child.kill(signal);
    assert.equal(await run.ended, code);
    const stops = run.lines.filter((line) => line.endsWith('stops'));
    assert.deepEqual(stops, ['second stops', 'first stops']);
    assert.deepEqual(fs.readdirSync(run.home), []);
  });

test('a service that ends by itself ends everything, with its exit code', async (t) => {
  const run = launch(folder(t), 'crash');
  assert.equal(await run.ended, 7);
  assert.ok(run.lines.includes('[test] second ended by itself (exit code 7)'));
  assert.deepEqual(fs.readdirSync(run.home), []);
});

test('a service that is halted does not end the others', async (t) => {
  const run = launch(folder(t), 'halt');
  assert.equal(await run.ended, 0);
  assert.ok(run.lines.includes('went on'));
  assert.ok(!run.lines.some((line) => line.includes('ended by itself')));
  assert.deepEqual(fs.readdirSync(run.home), []);
});

test('an interrupted step is stopped, and nothing comes after it', async (t) => {
  const run = launch(folder(t), 'step');
  await run.says(/long step runs/);
  run.child.kill('SIGINT');
  assert.equal(await run.ended, 130);
  assert.ok(run.lines.includes('long step stops'));
  assert.ok(!run.lines.includes('went on'));
});

test('a program that is not installed is named', async (t) => {
  const run = launch(folder(t), 'missing');
  assert.equal(await run.ended, 1);
  assert.ok(
    run.lines.includes('[test] the build: no-such-program is not installed or not in PATH'),
  );
});

test('what a killed supervisor leaves is stopped by the next one', async (t) => {
  const home = folder(t);
  const killed = launch(home, 'services');
  const left = Number((await killed.says(/second runs (\d+)/))[1]);
  killed.child.kill('SIGKILL');
  await once(killed.child, 'exit');
  assert.ok(commandLine(left));

  const next = launch(home, 'nothing');
  assert.equal(await next.ended, 0);
  assert.equal(commandLine(left), '');
  assert.deepEqual(fs.readdirSync(home), []);
});

test('a recorded number that belongs to another program by now is left alone', async (t) => {
  const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
    detached: true,
  });
  t.after(() => stranger.kill());
  await once(stranger, 'spawn');
  const home = folder(t);
  const pid = stranger.pid ?? 0;
  const recorded = { pid, name: 'PostgreSQL', mark: 'postgres -D', signal: 'SIGTERM', grace: 1 };
  const supervisor = { pid, mark: 'node run.mjs' };
  fs.writeFileSync(
    path.join(home, 'pids.json'),
    JSON.stringify({ supervisor, running: [recorded] }),
  );

  assert.equal(await launch(home, 'nothing').ended, 0);
  assert.ok(commandLine(pid));
});

test('a second supervisor in the same folder refuses, and the first goes on', async (t) => {
  const home = folder(t);
  const first = launch(home, 'services');
  await first.says(/second runs/);
  const second = launch(home, 'services');
  assert.equal(await second.ended, 1);
  assert.match(
    second.lines.join('\n'),
    new RegExp(`already running here, as process ${first.child.pid}`),
  );
  assert.ok(fs.existsSync(path.join(home, 'pids.json')));
  first.child.kill('SIGINT');
  assert.equal(await first.ended, 130);
});

test('a damaged record does not keep anything from starting', async (t) => {
  const home = folder(t);
  fs.writeFileSync(path.join(home, 'pids.json'), '{"running": [');
  assert.equal(await launch(home, 'nothing').ended, 0);
});

test('when nobody reads any more, the services are stopped', async (t) => {
  const home = folder(t);
  const run = launch(home, 'crash');
  run.child.stdout.destroy();
  await run.ended;
  assert.deepEqual(fs.readdirSync(home), []);
});

/** @param {import('node:test').TestContext} t */
function folder(t) {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'dispatch-dev-'));
  t.after(() => fs.rmSync(home, { recursive: true }));
  return home;
}

/**
 * @param {string} home
 * @param {string} scenario
 */
function launch(home, scenario) {
  const child = spawn(process.execPath, [PROGRAM, home, scenario], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = /** @type {string[]} */ ([]);
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (line) => lines.push(line));
  /** @param {RegExp} pattern */
  const says = async (pattern) => {
    for (;;) {
      const found = lines.map((line) => pattern.exec(line)).find(Boolean);
      if (found) return found;
      await once(reader, 'line');
    }
  };
  const ended = once(child, 'close').then(([code]) => /** @type {number | null} */ (code));
  return { child, home, lines, says, ended };
}
