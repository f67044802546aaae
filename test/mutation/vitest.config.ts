import { defineConfig } from 'vitest/config'

/** The tests that judge a changed source: those that scripts/mutation.js names. */
export default defineConfig({
  test: {
    include: JSON.parse(process.env.MUTATION_TESTS ?? '[]'),
    exclude: ['**/node_modules/**', '**/dist/**'],
    // Each fault starts a process anew; its test files share it, so that what they import is loaded once.
    isolate: false,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 10_000 } },
  },
})
