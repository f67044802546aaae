export * from './strict-json.ts'
