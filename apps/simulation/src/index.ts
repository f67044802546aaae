export { type RunningSimulation, type SimulationOptions, startSimulation } from './simulation.ts'
