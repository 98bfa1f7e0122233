// @ts-check
// What a request asks of the database, from the database's own log, and how often the database can be asked that.
import fs from 'node:fs';
import { inPath } from '../../requirements.mjs';

const SECONDS = 5;
/** As many as the pool of the backend has. */
const CLIENTS = 8;
const ENTRY = /^[^\t].*?\bLOG: {2}(?:execute [^:]+|statement): (.*)$/;
const PARAMETERS = /DETAIL: {2}[Pp]arameters: (.*)$/;

/**
 * The statements in a stretch of PostgreSQL's log, their parameters filled in.
 * @param {string} log
 */
export function statementsOf(log) {
  /** @type {string[]} */ const statements = [];
  let open = false;
  for (const written of log.split('\n')) {
    const line = written.replace(/(^|\s)--\s.*$/, ''); // on one line a remark would swallow what follows
    const statement = ENTRY.exec(line)?.[1];
    const parameters = PARAMETERS.exec(line)?.[1];
    if (statement !== undefined) statements.push(statement);
    else if (parameters && statements.length > 0) {
      statements.push(filledIn(statements.pop() ?? '', parameters));
    } else if (open && line.startsWith('\t')) {
      statements.push(`${statements.pop()} ${line.trim()}`);
    }
    open = statement !== undefined || (open && line.startsWith('\t'));
  }
  return statements.map((statement) => statement.replace(/\s+/g, ' ').trim());
}

/**
 * @param {string} statement
 * @param {string} parameters  `$1 = '7', $2 = NULL`
 */
function filledIn(statement, parameters) {
  const values = new Map(
    [...parameters.matchAll(/\$(\d+) = (NULL|'(?:[^']|'')*')/g)].map(([, n, value]) => [n, value]),
  );
  return statement.replace(/\$(\d+)/g, (whole, n) => values.get(n) ?? whole);
}

/**
 * How often per second PostgreSQL carries out these statements for a client that does nothing else.
 * @param {import('../../processes.mjs').Supervisor} supervisor
 * @param {string} databaseUrl
 * @param {string[]} statements
 */
export async function measureDatabase(supervisor, databaseUrl, statements) {
  const script = `${supervisor.home}/pgbench.sql`;
  fs.writeFileSync(script, statements.map((statement) => `${statement};\n`).join(''));
  const said = await supervisor.step({
    name: 'pgbench',
    command: [
      ...[inPath('pgbench') ?? 'pgbench', '-n', '-M', 'prepared', '-f', script],
      ...['-c', String(CLIENTS), '-j', '2', '-T', String(SECONDS), databaseUrl],
    ],
    stdout: 'keep',
  });
  return Number(/^tps = ([\d.]+)/m.exec(said)?.[1]);
}
