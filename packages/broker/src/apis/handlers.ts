/** All handlers: for every API of the list in `@streampay/kafka/wire` there is one, or this does not compile. */
import type { ApiName } from '@streampay/kafka/wire'
import type { AnyHandler } from './api.ts'
import * as all from './index.ts'

const byName: Readonly<Record<ApiName, AnyHandler>> = all

export const handlers: readonly AnyHandler[] = Object.values(byName)
