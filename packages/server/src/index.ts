export type { Config } from './platform/config/config.ts'
export { loadConfig } from './platform/config/load-config.ts'
export type { RunningServer } from './serve.ts'
export { startServer } from './serve.ts'
