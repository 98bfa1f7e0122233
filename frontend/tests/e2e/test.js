// The runner of every spec. E2E_SCRIPT_DELAY_MS and E2E_API_DELAY_MS make each script, and each answer of the API, come so
// much later: what a test or a page takes for arrived too early is red then, on any machine.
import { test as base } from '@playwright/test';

export { expect } from '@playwright/test';

/** @param {string | undefined} text */
const milliseconds = (text) => Number(text) || 0;
const DELAYS = /** @type {const} */ ([
  [/\/assets\/[^/]+\.js$/, milliseconds(process.env.E2E_SCRIPT_DELAY_MS)],
  [/\/api\/v1\/(?!mailings\/\d+\/live)/, milliseconds(process.env.E2E_API_DELAY_MS)],
]);

/** @param {import('@playwright/test').BrowserContext} context */
async function slowDown(context) {
  for (const [url, delay] of DELAYS) {
    if (!delay) continue;
    await context.route(url, async (route) => {
      await new Promise((resolve) => setTimeout(resolve, delay));
      await route.continue().catch(() => undefined); // its page has been closed meanwhile
    });
  }
  return context;
}

export const test = base.extend(
  /** @type {any} */ ({
    // Every context comes from the browser: those of the fixtures, and those that a test opens for somebody else.
    browser: [
      async (
        /** @type {{browser: import('@playwright/test').Browser}} */ { browser },
        /** @type {(browser: import('@playwright/test').Browser) => Promise<void>} */ use,
      ) => {
        const newContext = browser.newContext.bind(browser);
        browser.newContext = async (options) => slowDown(await newContext(options));
        await use(browser);
      },
      { scope: 'worker' },
    ],
  }),
);
