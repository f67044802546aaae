import { afterAll, beforeAll, describe } from 'vitest'
import { clientCases } from './cases/all.ts'
import { type LogUnderTest, startEmbeddedLog } from './support/log-under-test.ts'

let log: LogUnderTest

beforeAll(async () => {
  log = await startEmbeddedLog()
})

afterAll(() => log.close())

describe('on the embedded broker', () => clientCases(() => log))
