/** Has the browser save a file that the page made. */
export function offerFile(file: Blob, name: string): void {
  const url = URL.createObjectURL(file)
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  // The browser has taken its own hold of the file by the next turn.
  setTimeout(() => URL.revokeObjectURL(url), 0)
}
