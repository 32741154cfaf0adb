export { createMemoryDirectoryStore, type DirectoryClientStore } from './client/client-store.ts'
export { createDirectoryClient } from './client/create-directory-client.ts'
export { type GeneratedDeviceKeys, generateDeviceKeys } from './client/device-keys.ts'
export type {
  AcceptedEntry,
  ChainPosition,
  DirectoryClient,
  DirectoryClientOptions,
  DirectoryEvent,
  DirectoryIdentity,
  MonitorReport,
  NewDevice,
  RecordedKey,
  RememberedCheckpoint,
  RenewalOptions,
  SignedFetch,
  SignUp,
  VerifiedDevice,
  VerifiedUser,
} from './client/directory-client.ts'
export {
  DEVICE_REQUEST_EXPORT_BYTES,
  DEVICE_REQUEST_EXPORT_LABEL,
  DEVICE_REQUEST_WINDOW_SECONDS,
} from './request-signature/device-profile.ts'
export {
  type RequestParts,
  type RequestSigner,
  signDeviceRequest,
} from './request-signature/sign-device-request.ts'
export {
  isDeviceRequest,
  type KnownDevice,
  type SignedDeviceRequest,
  verifyDeviceRequest,
} from './request-signature/verify-device-request.ts'
