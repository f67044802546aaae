/** The list of scenarios, in the order of the help. */
import type { Scenario } from '../harness/scenario.ts'
import { audit } from './audit.ts'
import { compaction } from './compaction.ts'
import { create } from './create.ts'
import { grow } from './grow.ts'
import { home } from './home.ts'
import { hour } from './hour.ts'
import { localStores } from './local-stores.ts'
import { log } from './log.ts'
import { loop } from './loop.ts'
import { open } from './open.ts'
import { overload } from './overload.ts'
import { pay } from './pay.ts'
import { reads } from './reads.ts'
import { restore } from './restore.ts'
import { scroll } from './scroll.ts'
import { sse } from './sse.ts'
import { start } from './start.ts'
import { streams } from './streams.ts'
import { views } from './views.ts'

export const scenarios: readonly Scenario[] = [
  grow,
  start,
  restore,
  views,
  pay,
  reads,
  scroll,
  sse,
  home,
  overload,
  hour,
  log,
  open,
  create,
  compaction,
  localStores,
  loop,
  streams,
  audit,
]
