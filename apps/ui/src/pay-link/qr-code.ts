/** A QR code as rows of modules; true is dark. Around it is the quiet zone that scanners need (ISO/IEC 18004: four modules). */
export type QrCode = readonly (readonly boolean[])[]

const quietModules = 4
const pictureSide = 1_024

/** @returns undefined for a text that is too long for a QR code */
export async function qrCodeOf(text: string): Promise<QrCode | undefined> {
  // Imported here, so that no other page loads the library.
  const { default: encodeQR } = await import('qr')
  // At error correction M, no QR code has more bytes (ISO/IEC 18004, table 7).
  if (new TextEncoder().encode(text).length > 2_331) return undefined
  return encodeQR(text, 'raw', { ecc: 'medium', border: quietModules })
}

type Run = { readonly x: number; readonly y: number; readonly width: number }

/** The dark modules as the path of an SVG; the side of its view box is the side of the code. */
export function pathOf(code: QrCode): string {
  return runsOf(code)
    .map(({ x, y, width }) => `M${x} ${y}h${width}v1h-${width}z`)
    .join('')
}

/** Large enough for print; black on white in any theme of the page. */
export async function pictureOf(code: QrCode): Promise<Blob> {
  const modules = code.length
  const scale = Math.max(1, Math.floor(pictureSide / modules))
  const canvas = document.createElement('canvas')
  canvas.width = modules * scale
  canvas.height = modules * scale
  const context = canvas.getContext('2d')
  if (context === null) throw new Error('This browser draws no pictures')
  context.fillStyle = '#fff'
  context.fillRect(0, 0, canvas.width, canvas.height)
  context.fillStyle = '#000'
  for (const { x, y, width } of runsOf(code)) context.fillRect(x * scale, y * scale, width * scale, scale)
  return new Promise((resolve, reject) => {
    canvas.toBlob(
      (blob) => (blob === null ? reject(new Error('This browser makes no PNG')) : resolve(blob)),
      'image/png',
    )
  })
}

/** Adjacent dark modules of a row, as one rectangle. */
function runsOf(code: QrCode): Run[] {
  return code.flatMap((row, y) => {
    const runs: Run[] = []
    for (let x = 0; x < row.length; x += 1) {
      if (row[x] !== true) continue
      const end = row.indexOf(false, x)
      const width = (end < 0 ? row.length : end) - x
      runs.push({ x, y, width })
      x += width
    }
    return runs
  })
}
