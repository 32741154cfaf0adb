export { PROFILES, type Profile } from './profile.ts'
