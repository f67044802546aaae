/**
 * A guide as a program reads it: Markdown whose fenced blocks say what is done.
 *
 *     ```ts <path>      a new file, whole
 *     ```diff <path>    changes of a file that is there, hunk after hunk; a line `@@` stands between two hunks
 *     ```sh             commands, one a line, that succeed; `sh fails`: that fail
 *     ```text           lines that the commands before it have printed, in this order; `…` stands for anything
 */
type Place = { readonly step: string; readonly line: number }

export type Block = Place &
  (
    | { readonly kind: 'file' | 'change'; readonly path: string; readonly text: string }
    | { readonly kind: 'commands'; readonly commands: readonly string[]; readonly fails: boolean }
    | { readonly kind: 'prints'; readonly lines: readonly string[] }
  )

/** @throws Error for a block that is none of these, or has no end. */
export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = []
  let step = 'the introduction'
  let open: { readonly info: string; readonly line: number; readonly lines: string[] } | undefined
  for (const [index, line] of markdown.split('\n').entries()) {
    const fence = /^```(.*)$/.exec(line)
    if (open === undefined) {
      if (fence !== null) open = { info: fence[1] ?? '', line: index + 1, lines: [] }
      else step = /^#+ (.*)$/.exec(line)?.[1] ?? step
    } else if (fence !== null) {
      blocks.push(blockOf(open.info, open.lines, { step, line: open.line }))
      open = undefined
    } else open.lines.push(line)
  }
  if (open !== undefined) throw new Error(`line ${open.line}: the block has no end`)
  return blocks
}

function blockOf(info: string, lines: readonly string[], place: Place): Block {
  const [language = '', word = ''] = info.split(' ')
  const text = `${lines.join('\n')}\n`
  if (language === 'diff' && word !== '') return { kind: 'change', path: word, text, ...place }
  if (language === 'sh' && ['', 'fails'].includes(word)) {
    return { kind: 'commands', commands: lines, fails: word === 'fails', ...place }
  }
  if (language === 'text' && word === '') return { kind: 'prints', lines, ...place }
  if (word !== '') return { kind: 'file', path: word, text, ...place }
  throw new Error(`line ${place.line}: a block "${info}" is of an unknown kind`)
}
