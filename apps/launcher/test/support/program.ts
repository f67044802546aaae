/** A program for the tests of scripts/run.js: ends with the exit code in its arguments, or waits for SIGTERM. */
const [exitCode] = process.argv.slice(2)

if (exitCode !== undefined) process.exit(Number(exitCode))

console.log(`started ${process.version}`)
const keepAlive = setInterval(() => {}, 60_000)
process.on('SIGTERM', () => {
  console.log('SIGTERM')
  clearInterval(keepAlive)
})
