import { defineConfig } from 'vitest/config'

/** It compares times: when nothing else runs. `.ci/run` runs it alone. */
const breakPage = 'test/e2e/break.page.test.ts'
/** It loads both cores for minutes: after all others. */
const tours = 'test/e2e/tours.page.test.ts'

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
          exclude: ['**/node_modules/**', '**/dist/**', breakPage, tours],
          maxWorkers: 3,
          sequence: { groupOrder: 0 },
        },
      },
      { extends: true, test: { name: 'break', include: [breakPage], sequence: { groupOrder: 1 } } },
      { extends: true, test: { name: 'tours', include: [tours], sequence: { groupOrder: 2 } } },
    ],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 10_000 } },
  },
})
