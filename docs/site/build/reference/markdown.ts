/** A Markdown table; `|` in a cell would end it. */
export function tableOf(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [titles, titles.map(() => '---'), ...rows.map((row) => row.map((cell) => cell.replaceAll('|', '\\|')))]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** HTML in a page of Markdown, where an empty line would end it; Vue takes it as it is. */
export function htmlBlock(html: string): string {
  return `<div v-pre class="reference">\n${html.replaceAll(/\n\s*\n+/g, '\n')}\n</div>`
}
