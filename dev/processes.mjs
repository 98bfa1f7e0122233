// @ts-check
// The supervisor: runs services and steps, stops all of them in order, leaves nothing behind.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { end, record, recover, signalGroup } from './pidfile.mjs';

/**
 * @typedef {object} Job
 * @property {string} name  what messages call it
 * @property {string[]} command
 * @property {string} [cwd]
 * @property {NodeJS.ProcessEnv} [env]
 * @property {number} [uid]
 * @property {number} [gid]
 * @property {string} [input]  what it reads
 * @property {string} [log]  the file that takes its output; without it the terminal does
 * @property {'show' | 'keep' | 'both'} [stdout]  for a step without a log: shown, returned, or both
 * @property {NodeJS.Signals} [signal]  what asks it to stop (SIGTERM)
 * @property {number} [grace]  seconds it may take for that (5)
 */
/** @typedef {import('./pidfile.mjs').Running & { child: import('node:child_process').ChildProcess }} Started */

/** A step longer than this says now and then that it is going on. */
const STILL_MS = 60_000;

export class Supervisor {
  /** @type {Started[]} */ #running = [];
  /** @type {(() => unknown)[]} */ #after = [];
  /** @type {Promise<never> | undefined} */ #stopped;
  /** @type {Set<number>} */ #halted = new Set();
  #label;
  #pidfile;

  /**
   * @param {string} label  begins every line it says
   * @param {string} home  folder of its record and its services' data
   */
  constructor(label, home) {
    this.#label = label;
    this.home = home;
    this.#pidfile = path.join(home, 'pids.json');
  }

  /** @param {string} text */
  say = (text) => {
    const label = `[${this.#label}]`;
    console.log(`${process.stdout.isTTY ? `\x1b[36m${label}\x1b[0m` : label} ${text}`);
  };

  /**
   * Runs `main` with the services it starts, and stops them when it ends, fails or is interrupted.
   * @param {() => Promise<void>} main
   * @returns {Promise<never>}
   */
  async supervise(main) {
    process.on('SIGINT', () => this.#interrupt(130));
    process.on('SIGTERM', () => this.#interrupt(143));
    process.on('SIGHUP', () => this.#interrupt(129));
    // `make run | head`: the reader is gone, the services must not be left.
    for (const stream of [process.stdout, process.stderr])
      stream.on('error', () => void this.stop(141));
    try {
      this.#openHome();
      await recover(this.#pidfile, this.say);
      record(this.#pidfile, []);
      this.afterwards(() => fs.rmSync(this.#pidfile, { force: true }));
      await main();
      return await this.stop(0);
    } catch (fault) {
      if (!this.#stopped) this.say(fault instanceof Error ? fault.message : String(fault));
      return await this.stop(1);
    }
  }

  /**
   * Starts a service. When it ends by itself, everything ends.
   * @param {Job} job
   */
  async start(job) {
    const started = await this.#spawn(job);
    started.child.on('exit', (code, signal) => {
      if (this.#stopped || this.#halted.has(started.pid)) return;
      this.say(`${job.name} ended by itself (${signal ?? `exit code ${code}`})${tail(job.log)}`);
      void this.stop(code || 1);
    });
    return started.pid;
  }

  /**
   * Runs a command to its end and returns what it printed when that is kept; throws unless it succeeded.
   * @param {Job} job
   */
  async step(job) {
    const begun = Date.now();
    const { child } = await this.#spawn(job);
    let printed = '';
    child.stdout?.on('data', (text) => (printed += text));
    const still = setInterval(
      () => this.say(`still on ${job.name}, ${duration(Date.now() - begun)}`),
      STILL_MS,
    );
    const [code, signal] = await once(child, 'close');
    clearInterval(still);
    if (this.#stopped) return await this.#stopped;
    if (code !== 0)
      throw new Error(`${job.name} failed (${signal ?? `exit code ${code}`})${tail(job.log)}`);
    return printed;
  }

  /**
   * Waits until a service answers.
   * @param {string} what
   * @param {() => boolean | Promise<boolean>} isReady
   */
  async until(what, isReady, seconds = 60) {
    for (const deadline = Date.now() + seconds * 1000; Date.now() < deadline; await sleep(50)) {
      if (this.#stopped) return await this.#stopped;
      if (
        await Promise.resolve()
          .then(isReady)
          .catch(() => false)
      )
        return;
    }
    throw new Error(`${what} was not ready within ${seconds} s`);
  }

  /**
   * Something to do when every process has stopped.
   * @param {() => unknown} action
   */
  afterwards(action) {
    this.#after.push(action);
  }

  /**
   * Waits for the end that a signal or the death of a service brings.
   * @returns {Promise<never>}
   */
  forever() {
    return new Promise(() => {});
  }

  /**
   * Stops one service that is not needed any more; the others go on.
   * @param {number} pid
   */
  async halt(pid) {
    const started = this.#running.find((running) => running.pid === pid);
    if (!started || this.#stopped) return;
    this.#halted.add(pid);
    await end(started, () => isAlive(started));
  }

  /**
   * Stops everything, newest first, and ends this process.
   * @param {number} code
   * @returns {Promise<never>}
   */
  stop(code) {
    this.#stopped ??= this.#stopAll(code);
    return this.#stopped;
  }

  /**
   * @param {number} code
   * @returns {Promise<never>}
   */
  async #stopAll(code) {
    for (const started of [...this.#running].reverse()) await end(started, () => isAlive(started));
    for (const action of this.#after.reverse()) action();
    process.exit(code);
  }

  /** @param {number} code */
  #interrupt(code) {
    if (!this.#stopped) {
      this.say('stopping');
      void this.stop(code);
      return;
    }
    for (const { pid } of this.#running) signalGroup(pid, 'SIGKILL'); // asked for a second time
  }

  #openHome() {
    try {
      fs.mkdirSync(this.home, { recursive: true });
      fs.accessSync(this.home, fs.constants.W_OK);
    } catch {
      throw new Error(
        `cannot write to ${this.home}: work as the user who owns it, or have it removed`,
      );
    }
  }

  /**
   * Each job gets its own process group: a terminal's Ctrl-C must reach only us, or the database would die before the
   * backend has drained.
   * @param {Job} job
   * @returns {Promise<Started>}
   */
  async #spawn(job) {
    if (this.#stopped) return await this.#stopped;
    const [program = '', ...args] = job.command;
    const log = job.log === undefined ? undefined : fs.openSync(job.log, 'w', 0o600);
    // Into a terminal directly, into a pipe through us: we must notice when its reader goes.
    const direct = (job.stdout ?? 'show') === 'show' && process.stdout.isTTY;
    const child = spawn(program, args, {
      cwd: job.cwd,
      env: job.env ?? process.env,
      uid: job.uid,
      gid: job.gid,
      detached: true,
      stdio: [
        job.input === undefined ? 'ignore' : 'pipe',
        log ?? (direct ? 'inherit' : 'pipe'),
        log ?? 'inherit',
      ],
    });
    if (log !== undefined) fs.closeSync(log);
    await once(child, 'spawn').catch((fault) => {
      const missing =
        fault.code === 'ENOENT' ? `${program} is not installed or not in PATH` : fault;
      throw new Error(`${job.name}: ${missing}`);
    });
    child.stdin?.on('error', () => {}).end(job.input);
    child.stdout?.setEncoding('utf8');
    if (job.stdout !== 'keep') child.stdout?.on('data', (text) => process.stdout.write(text));
    return this.#remember(job, child);
  }

  /**
   * @param {Job} job
   * @param {import('node:child_process').ChildProcess} child
   * @returns {Started}
   */
  #remember(job, child) {
    const started = {
      pid: child.pid ?? 0,
      name: job.name,
      mark: job.command.slice(0, 3).join(' '),
      signal: job.signal ?? 'SIGTERM',
      grace: job.grace ?? 5,
      child,
    };
    this.#running.push(started);
    this.#record();
    child.on('exit', () => {
      this.#running = this.#running.filter((other) => other !== started);
      this.#record();
    });
    return started;
  }

  #record() {
    if (this.#stopped) return; // the record of what is being stopped stays whole until the end
    record(
      this.#pidfile,
      this.#running.map(({ child: _, ...running }) => running),
    );
  }
}

/** @param {Started} started */
function isAlive({ child }) {
  return child.exitCode === null && child.signalCode === null;
}

/** @param {number} ms */
export function duration(ms) {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/**
 * How the end of a log is shown in a message.
 * @param {string | undefined} log
 */
export function tail(log) {
  const text = log && fs.existsSync(log) ? fs.readFileSync(log, 'utf8').trimEnd() : '';
  return text && `. The end of ${log}:\n${text.split('\n').slice(-15).join('\n')}`;
}
