// @ts-check
// Python programs that the checks need, in a folder of their own, every version pinned.
import fs from 'node:fs';
import path from 'node:path';
import { DEV } from './build.mjs';

/**
 * Installs what the file asks for, once for each version of the file; gives the folder.
 * @param {import('./processes.mjs').Supervisor} supervisor
 * @param {string} name
 * @param {string} requirements  the file
 */
export async function installVenv(supervisor, name, requirements) {
  const folder = path.join(DEV, `.data/${name}-venv`);
  const installed = path.join(folder, 'requirements.txt'); // written last
  const wanted = fs.readFileSync(requirements, 'utf8');
  if (fs.existsSync(installed) && fs.readFileSync(installed, 'utf8') === wanted) return folder;
  supervisor.say(`installing what ${path.relative(path.dirname(DEV), requirements)} asks for`);
  for (const command of [
    ['python3', '-m', 'venv', '--clear', folder],
    [path.join(folder, 'bin/pip'), 'install', '--quiet', '--no-input', '-r', requirements],
  ])
    await supervisor.step({ name: command.slice(0, 3).join(' '), command });
  fs.writeFileSync(installed, wanted);
  return folder;
}
