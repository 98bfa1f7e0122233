// End to end: the running product in the machine's own Chromium. E2E_BASE_URL says where it is, E2E_MAIL_URL where its mail arrives.
import { defineConfig } from '@playwright/test';

const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'];

export default defineConfig({
  testDir: 'tests/e2e',
  timeout: 120_000, // some walk through a dozen screens
  expect: { timeout: 15_000 }, // on a busy machine
  workers: 2, // files side by side: each has people of its own
  retries: 0,
  reporter: [['list']],
  outputDir: 'test-results',
  use: {
    baseURL: process.env.E2E_BASE_URL ?? 'http://127.0.0.1:8000',
    trace: 'retain-on-failure',
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: [...flags, '--headless', '--disable-component-update', '--disable-sync'],
    },
  },
});
