// @ts-check
// How @hey-api/openapi-ts makes the client that api-story.test.mjs speaks through.
import { fileURLToPath } from 'node:url';

const here = (/** @type {string} */ place) => fileURLToPath(new URL(place, import.meta.url));

export default {
  input: here('../../../openapi/openapi.json'),
  output: { path: here('../../.generated/api-source'), module: { extension: '.js' } },
  plugins: ['@hey-api/client-fetch', '@hey-api/typescript', '@hey-api/sdk'],
};
