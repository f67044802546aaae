/**
 * The crowd's time, in milliseconds since its start. It runs `speed` times as fast as the world's clock, and the speed may change
 * meanwhile: neither clock ever jumps.
 */
export class CrowdClock {
  #speed: number
  /** The moment of the last change, on both clocks. */
  #crowdMs = 0
  #worldMs: number

  /** @param start of the crowd's time, on the world's clock */
  constructor(speed: number, start = 0) {
    this.#speed = speed
    this.#worldMs = start
  }

  get speed(): number {
    return this.#speed
  }

  /** The crowd's time at a moment of the world's clock. */
  crowdTime(worldMs: number): number {
    return this.#crowdMs + (worldMs - this.#worldMs) * this.#speed
  }

  /** The world's time at a moment of the crowd's clock, as long as the speed stays as it is. */
  worldTime(crowdMs: number): number {
    return this.#worldMs + (crowdMs - this.#crowdMs) / this.#speed
  }

  setSpeed(speed: number, worldMs: number): void {
    this.#crowdMs = this.crowdTime(worldMs)
    this.#worldMs = worldMs
    this.#speed = speed
  }
}
