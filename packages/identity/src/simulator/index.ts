export { SIMULATED_LANGUAGES, type SimulatedLanguage } from './languages.ts'
export { type LocalisedText, type SimulatedFields, type SimulatedPerson, simulatedPerson } from './person.ts'
export { BODY_PARTS, type BodyPart, simulatedBiometric } from './simulated-biometric.ts'
export {
  createSimulatedDevice,
  type SimulatedCapture,
  type SimulatedDevice,
  type SimulatedDeviceOptions,
} from './simulated-device.ts'
export { simulatedDocument } from './simulated-document.ts'
export { simulatedMatcher } from './simulated-matcher.ts'
export {
  type SimulatedRegistrationOptions,
  simulatedBir,
  simulatedRecord,
  simulatedRegistration,
} from './simulated-registration.ts'
export { SIMULATED_SCHEMA, SIMULATED_SCHEMA_JSON, SIMULATED_SCHEMA_VERSION } from './simulated-schema.ts'
export {
  createSimulatedTrust,
  type SimulatedSigner,
  type SimulatedTrust,
  type SimulatedTrustOptions,
} from './simulated-trust.ts'
