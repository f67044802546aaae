/**
 * `npm run icons -w @streampay/ui`: the pictures of the installed application, and that of a shared link, from public/logo.svg. What it
 * makes is kept in the repository, so that a build needs nothing for it. The letters of the shared picture are of this machine's fonts.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import sharp, { type Sharp } from 'sharp'

const folder = new URL('../public/', import.meta.url)
const logo = readFileSync(new URL('logo.svg', folder), 'utf8')
/** The logo's own ground, to its edges: systems cut icons to their shape. */
const ground = '#0f4f57'
const square = logo.replace(/rx="\d+"/, 'rx="0"')
/** A circle of 80 % of the side is never cut off (W3C Manifest, maskable icons); the waves keep within it at this size. */
const safe = 0.8

for (const side of [192, 512]) await write(`icon-${side}.png`, drawn(logo, side))
await write('icon-maskable-512.png', onGround(512))
await write('apple-touch-icon.png', onGround(180))
await write('share.png', shared({ width: 1_200, height: 630 }))

function drawn(svg: string, side: number): Sharp {
  // The logo has 32 units, at 72 dots an inch.
  return sharp(Buffer.from(svg), { density: Math.ceil((72 * side) / 32) }).resize(side, side)
}

async function onGround(side: number): Promise<Sharp> {
  const mark = await drawn(square, Math.round(side * safe))
    .png()
    .toBuffer()
  return plain({ width: side, height: side }).composite([{ input: mark }])
}

async function shared(size: { width: number; height: number }): Promise<Sharp> {
  const mark = await drawn(square, 340).png().toBuffer()
  const words = `<svg xmlns="http://www.w3.org/2000/svg" width="${size.width}" height="${size.height}" font-family="Inter, Helvetica Neue, Arial, DejaVu Sans, sans-serif">
    <text x="470" y="315" font-size="92" font-weight="bold" fill="#fff" letter-spacing="-2">StreamPay</text>
    <text x="474" y="392" font-size="40" fill="#7fd0d3">Pay people. Watch it arrive.</text>
  </svg>`
  return plain(size).composite([
    { input: mark, left: 90, top: 145 },
    { input: Buffer.from(words), left: 0, top: 0 },
  ])
}

function plain({ width, height }: { width: number; height: number }): Sharp {
  return sharp({ create: { width, height, channels: 3, background: ground } })
}

async function write(name: string, picture: Sharp | Promise<Sharp>): Promise<void> {
  await (await picture).png({ palette: true, effort: 10 }).toFile(fileURLToPath(new URL(name, folder)))
}
