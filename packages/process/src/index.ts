/** The common parts of services and tools as processes: logging, messages to the parent, stop requests, and progress. */

export { wallClock } from './clock.ts'
export {
  type Bounds,
  type Environment,
  listSetting,
  numberSetting,
  originsSetting,
  portSetting,
  SettingError,
  textSetting,
  urlSetting,
  wholeNumberSetting,
} from './environment.ts'
export { openLogger } from './logger.ts'
export { type Moment, moments, onMoment, tellMoment } from './moments.ts'
export { type Message, onStopRequest, tellParent } from './parent.ts'
export { pause } from './pause.ts'
export { type Progress, type ProgressOutput, progressTo } from './progress.ts'
export { type RunningService, runService, type ServiceOptions, type StartedService } from './run-service.ts'
export { openSampler, type Sampler, type SamplerOptions } from './sampler.ts'
export { newTraceparent, readTraceparent, type TraceContext } from './trace-context.ts'
export { type Doing, Durations, type OwnVitals, type Vitals } from './vitals.ts'
