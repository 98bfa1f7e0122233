// @ts-check
// Programs that most machines have not, or not of this version: a checker of compose files, a linter of Dockerfiles, pg_dump.
import fs from 'node:fs';
import path from 'node:path';
import { DEV, ROOT } from '../build.mjs';
import { installVenv } from '../venv.mjs';

/** @typedef {import('../processes.mjs').Supervisor} Supervisor */

/** @param {Supervisor} supervisor */
function install(supervisor) {
  return installVenv(supervisor, 'containers', path.join(DEV, 'containers/requirements.txt'));
}

/**
 * The folder of pg_dump and pg_restore, of the version of the server that we start: it wants its own.
 * @param {Supervisor} supervisor
 */
export async function postgresTools(supervisor) {
  const lib = path.join(await install(supervisor), 'lib');
  const [python = ''] = fs.readdirSync(lib);
  return path.join(lib, python, 'site-packages/embedded_postgres/pginstall/bin');
}

/**
 * The compose file against the published schema, the Dockerfiles against the rules of their linter.
 * @param {Supervisor} supervisor
 */
export async function checkContainers(supervisor) {
  const bin = path.join(await install(supervisor), 'bin');
  for (const [program = '', ...rest] of [
    ['check-jsonschema', '--builtin-schema', 'vendor.compose-spec', 'docker-compose.yml'],
    ['hadolint', 'backend/Dockerfile', 'frontend/Dockerfile'],
  ])
    await supervisor.step({
      name: program,
      command: [path.join(bin, program), ...rest],
      cwd: ROOT,
      stdout: 'show',
    });
}
