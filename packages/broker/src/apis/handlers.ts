/** All handlers: every API in the list of `@streampay/kafka/wire` must have one, or this does not compile. */
import type { ApiName } from '@streampay/kafka/wire'
import type { AnyHandler } from './api.ts'
import * as all from './index.ts'

const byName: Readonly<Record<ApiName, AnyHandler>> = all

export const handlers: readonly AnyHandler[] = Object.values(byName)
