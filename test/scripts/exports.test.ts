import { expect, it } from 'vitest'
import { runIn, smallRepository } from './small-repository.ts'

/** Of the words themselves no declaration of a library is needed. */
const compilerOptions = { module: 'nodenext', allowImportingTsExtensions: true, noEmit: true, noLib: true, types: [] }

/** A package whose entry point exports what stands in this file, and whose other one is a program. */
function packageOf(source: string): string {
  return smallRepository({
    'tsconfig.json': JSON.stringify({ compilerOptions }),
    'packages/pay/package.json': JSON.stringify({
      name: '@a/pay',
      exports: { '.': './src/index.ts', './program': './src/program.ts' },
    }),
    'packages/pay/src/index.ts': "export * from './pay.ts'\nexport { inside as outside } from './inside.ts'",
    'packages/pay/src/inside.ts': '/** Words. */\nexport const inside = 1\nexport const hidden = 2',
    'packages/pay/src/pay.ts': source,
    'packages/pay/src/program.ts': 'undefined',
  })
}

it('finds exports without words, and members of what callers fill in', () => {
  const folder = packageOf(`export function pay() {}
/** @throws never */
export function ask() {}
export const one = 1, two = 2
/** Words. */
export type PayOptions = {
  amount: number
  /** Words. */
  note: string
}
/** Words. */
export type PayRoute = ({ kind: 'pay'; path: string } & { to: string }) | { kind: 'ask'; topic: string }
/** Words. */
export interface PayLimits {
  most: number
}
`)
  const place = 'packages/pay/src/pay.ts'
  const { code, faults } = runIn(folder, 'exports.js')
  expect(faults).toEqual(
    [
      `${place}:1 pay`,
      `${place}:3 ask`,
      `${place}:4 one`,
      `${place}:4 two`,
      `${place}:7 PayOptions.amount`,
      `${place}:12 PayRoute.path`,
      `${place}:12 PayRoute.to`,
      `${place}:12 PayRoute.topic`,
      `${place}:15 PayLimits.most`,
    ].map((fault) => `${fault} of @a/pay has no words`),
  )
  expect(code).toBe(1)
})

it('finds nothing where all that callers need has words', () => {
  const folder = packageOf(`/** Words. */
export function pay() {}
/** Words. */
export type Payment = { amount: number }
/** Words. */
export class PayOptions {
  /** Words. */
  readonly amount = 1
  readonly #hidden = 2
}
`)
  expect(runIn(folder, 'exports.js')).toEqual({ code: 0, faults: [] })
})
