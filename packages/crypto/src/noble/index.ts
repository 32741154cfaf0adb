export * from '../public-api.ts'
export { nobleBackend, nobleBackend as backend } from './noble-backend.ts'
