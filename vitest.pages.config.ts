import { defineConfig } from 'vitest/config'

/** They compare times or load both cores for minutes: one after the other, when nothing else runs. */
const oneByOne = ['test/e2e/{break,tours}.page.test.ts']

/** `npm run test:pages`: what drives Chromium. A file whose tests need it is called `*.page.test.ts`. */
export default defineConfig({
  test: {
    pool: 'forks',
    experimental: { viteModuleRunner: false },
    reporters: ['default', './scripts/slowest.js'],
    projects: [
      {
        extends: true,
        test: {
          name: 'pages',
          include: ['{apps,packages}/*/test/**/*.page.test.ts', 'test/**/*.page.test.ts'],
          exclude: ['**/node_modules/**', '**/dist/**', ...oneByOne],
          maxWorkers: 3,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: 'one by one', include: oneByOne, fileParallelism: false, sequence: { groupOrder: 1 } },
      },
    ],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 10_000 } },
  },
})
