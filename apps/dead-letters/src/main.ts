/** `npm run dead-letters -- list|show|replay`: see the help text in options.ts. */
import { deadLetters } from './command.ts'

process.exitCode = await deadLetters(process.argv.slice(2), {
  env: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  nowMs: Date.now,
})
