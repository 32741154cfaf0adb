export * from '../public-api.ts'
export { webBackend, webBackend as backend } from './web-backend.ts'
