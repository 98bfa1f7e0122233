// @ts-check
// What a case of the bench runs on: a migrated database of its own, the settings of the program, and its engines.
import fs from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { settings } from '../backend.mjs';

/** Longer than an engine waits for mails in flight. */
const GRACE_SECONDS = 40;

/** @typedef {import('./case.mjs').Bench} Bench */
/**
 * @typedef {object} Installation
 * @property {pg.Client} client  connected to the database
 * @property {NodeJS.ProcessEnv} env  the settings of the program
 * @property {(command: string) => Promise<unknown>} maintain  executes SQL outside of the database
 * @property {(name?: string) => Promise<number>} startEngine  returns the pid; the engine is stopped at the end
 */

/**
 * Creates the database and migrates it, passes it on, and stops its engines and drops it at the end.
 * @template T
 * @param {Bench} bench
 * @param {{ database: string, smtpPort: number, sessions: number, env?: NodeJS.ProcessEnv }} options
 * @param {(installation: Installation) => Promise<T>} action
 */
export async function withInstallation(bench, { database, smtpPort, sessions, env = {} }, action) {
  const { supervisor, program } = bench;
  const maintain = (/** @type {string} */ command) =>
    using(bench.databaseUrl('postgres'), (client) => client.query(command));
  const databaseUrl = bench.databaseUrl(database);
  const journal = path.join(supervisor.home, 'journal');
  supervisor.afterwards(() => fs.rmSync(journal, { recursive: true, force: true }));
  const smtpUrl = `smtp://127.0.0.1:${smtpPort}`;
  const all = {
    ...settings({ databaseUrl, smtpUrl, port: 1 }, bench.secret),
    FRONTEND_DIR: '',
    SMTP_SESSIONS: String(sessions),
    SMTP_RATE: '0',
    JOURNAL_DIR: journal,
    ...env,
  };
  /** @type {number[]} */ const engines = [];
  const startEngine = async (name = 'engine') => {
    const pid = await supervisor.start({
      name: `the ${name}`,
      command: [program, 'engine'],
      env: all,
      log: `${supervisor.home}/${name}.log`,
      grace: GRACE_SECONDS,
    });
    engines.push(pid);
    return pid;
  };
  await maintain(`CREATE DATABASE ${database}`);
  try {
    const log = `${supervisor.home}/migrate.log`;
    await supervisor.step({
      name: 'dispatch migrate',
      command: [program, 'migrate'],
      env: all,
      log,
    });
    return await using(databaseUrl, (client) =>
      action({ client, env: all, maintain, startEngine }),
    );
  } finally {
    for (const pid of engines) await supervisor.halt(pid);
    // Cleaning it up would burden the server during the next case.
    await maintain(`DROP DATABASE ${database} WITH (FORCE)`);
  }
}

/**
 * @template T
 * @param {string} url
 * @param {(client: pg.Client) => Promise<T>} action
 */
export async function using(url, action) {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 10_000,
    statement_timeout: 300_000,
  });
  client.on('error', () => {}); // when interrupted, the server ends first; the query fails by itself
  await client.connect();
  try {
    return await action(client);
  } finally {
    await client.end();
  }
}
