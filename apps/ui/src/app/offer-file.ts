/** Lets the browser save a file that the page made. */
export function offerFile(file: Blob, name: string): void {
  const url = URL.createObjectURL(file)
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  // The browser holds the file itself by the next turn of the event loop.
  setTimeout(() => URL.revokeObjectURL(url), 0)
}
