/**
 * A file with the changes of a block. Lines that begin with a space or "-" stand in the file one after the other, and in one place
 * only; those that begin with a space or "+" stand there afterwards. So a hunk holds as long as the lines that it shows do, wherever
 * in the file they are.
 * @throws Error that says which lines were not found, or were found more than once
 */
export function changed(text: string, change: string): string {
  const hunks = change.replace(/\n$/, '').split(/^@@.*\n/m)
  return hunks.filter((hunk) => hunk !== '').reduce(withHunk, text)
}

function withHunk(text: string, hunk: string): string {
  const lines = hunk.replace(/\n$/, '').split('\n')
  const before = linesWith(lines, ' -')
  const after = linesWith(lines, ' +')
  const [start, ...others] = placesOf(before, text.split('\n'))
  const shown = before.map((line) => `  ${line}`).join('\n')
  if (start === undefined) throw new Error(`these lines are not in the file:\n${shown}`)
  if (others.length > 0) throw new Error(`these lines are at ${others.length + 1} places of the file:\n${shown}`)
  return text
    .split('\n')
    .toSpliced(start, before.length, ...after)
    .join('\n')
}

function linesWith(lines: readonly string[], signs: string): string[] {
  return lines.flatMap((line) => {
    // Editors take away the space of an empty line.
    const sign = line === '' ? ' ' : line.charAt(0)
    if (!' -+'.includes(sign)) throw new Error(`a line of a change begins with a space, "-" or "+": ${line}`)
    return signs.includes(sign) ? [line.slice(1)] : []
  })
}

function placesOf(wanted: readonly string[], lines: readonly string[]): number[] {
  return lines.flatMap((_, start) => (wanted.every((line, index) => lines[start + index] === line) ? [start] : []))
}
