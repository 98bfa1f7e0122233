// @ts-check
// A real nginx with the configuration of the frontend's image, on ports and folders of its own.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { eventually } from './catcher.mjs';

const FRONTEND = fileURLToPath(new URL('../../../frontend', import.meta.url));
const TEMPLATE = path.join(FRONTEND, 'nginx/nginx.conf.template');
const NGINX = ['/usr/sbin/nginx', '/usr/bin/nginx'].find((file) => fs.existsSync(file)) ?? 'nginx';
/** As in the image: what is worth it is compressed when the page is built. */
const COMPRESSED = /\.(html|js|css|svg)$/;

/** The page as the image has it; gone when the process ends. */
export function builtPage() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'dispatch-page-'));
  fs.chmodSync(folder, 0o755);
  process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }));
  fs.cpSync(path.join(FRONTEND, 'dist'), folder, { recursive: true });
  for (const name of fs.readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const file = path.join(folder, name);
    if (COMPRESSED.test(name)) fs.writeFileSync(`${file}.gz`, gzipSync(fs.readFileSync(file)));
  }
  return folder;
}

/**
 * Checks the configuration, starts nginx and gives its address.
 * @param {import('node:test').TestContext} test  at whose end it is stopped
 * @param {{ root: string, backend: string, more?: Record<string, string> }} how
 */
export async function startNginx(test, { root, backend, more = {} }) {
  const tmp = fs.mkdtempSync(path.join(os.tmpdir(), 'dispatch-nginx-'));
  const port = await freePort();
  const values = {
    ...{ LISTEN: `127.0.0.1:${port}`, BACKEND: backend, ROOT: root, TMP: tmp },
    ...{ RESOLVER: '127.0.0.1', TRUSTED_PROXY: '127.0.0.2' },
    ACCESS_LOG: path.join(tmp, 'access.log'),
    ...{ PUBLIC_URL: `http://127.0.0.1:${port}`, ...more },
  };
  const template = fs.readFileSync(TEMPLATE, 'utf8');
  const file = path.join(tmp, 'nginx.conf');
  fs.writeFileSync(file, filled(template, values));
  // Root's own nginx gives its workers another account, which cannot read root's folders.
  const account = process.getuid?.() === 0 ? 'user root;' : '';
  const arguments_ = ['-c', file, '-e', 'stderr', '-g', `daemon off; ${account}`];
  const checked = spawnSync(NGINX, ['-t', ...arguments_], { encoding: 'utf8' });
  if (checked.status !== 0)
    throw new Error(`nginx -t: ${checked.stderr ?? ''}${checked.error ?? ''}`);
  const log = fs.openSync(path.join(tmp, 'error.log'), 'a');
  const nginx = spawn(NGINX, arguments_, { stdio: ['ignore', 'ignore', log] });
  test.after(async () => {
    nginx.kill('SIGTERM');
    await once(nginx, 'exit');
    fs.rmSync(tmp, { recursive: true, force: true });
  });
  const url = `http://127.0.0.1:${port}`;
  await eventually('nginx', async () => {
    const answer = await fetch(`${url}/healthz`).catch(() => undefined);
    return answer?.ok || undefined;
  });
  return url;
}

/**
 * What envsubst does in the image: names of the environment in braces, nothing else.
 * @param {string} template
 * @param {Record<string, string>} values
 */
function filled(template, values) {
  return template.replaceAll(/\$\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

export async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {net.AddressInfo} */ (server.address());
  server.close();
  return port;
}
