/** `npm run build` ends with this: it fails when the first load has grown beyond its limit, and names the largest files. */
import { maxFirstLoadBytes, measureFirstLoads } from './first-load.ts'

const namedFiles = 10

for (const { page, files, bytes } of measureFirstLoads(new URL('../dist/', import.meta.url))) {
  console.log(
    `first load with ${page}: ${kilobytes(bytes)} gzipped in ${files.length} files (limit ${kilobytes(maxFirstLoadBytes)})`,
  )
  if (bytes <= maxFirstLoadBytes) continue
  for (const file of files.slice(0, namedFiles)) console.error(`  ${kilobytes(file.bytes)} ${file.file}`)
  process.exitCode = 1
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} kB`
}
