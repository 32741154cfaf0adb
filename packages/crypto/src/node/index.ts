export * from '../public-api.ts'
export { nodeBackend, nodeBackend as backend } from './node-backend.ts'
