export * from '../public-api.ts'
export { equalConstantTime } from './equal-constant-time.ts'
export { nodeBackend, nodeBackend as backend } from './node-backend.ts'
