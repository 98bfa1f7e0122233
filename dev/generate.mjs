// @ts-check
// `make generate`: the OpenAPI document from the code, the page's types from the document.
import path from 'node:path';
import { DEV } from './build.mjs';
import { generate } from './checks.mjs';
import { Supervisor } from './processes.mjs';

const supervisor = new Supervisor('generate', path.join(DEV, '.data/generate'));
await supervisor.supervise(() => generate(supervisor));
