/** The program of `npx @streampay/broker`. It checks Node's version first, because an older Node can't load the broker's modules. */

// The first version whose zlib has Zstandard.
const [leastMajor, leastMinor] = [22, 15]

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) {
  const { runInTerminal } = await import('./terminal/run-in-terminal.ts')
  runInTerminal(process.argv.slice(2))
} else {
  process.stderr.write(
    `broker: this is Node ${process.versions.node}, and ${leastMajor}.${leastMinor} or later is needed.\n`,
  )
  process.exitCode = 1
}
