export type {
  Channel,
  ChannelOptions,
  ChannelStatus,
  ChannelTrust,
  ManifestTrust,
  PinnedKey,
  PinnedTrust,
} from './client/channel-options.ts'
export { type ChannelStorage, createMemoryStorage } from './client/channel-storage.ts'
export { createChannel } from './client/create-channel.ts'
export { PINNED_KEYS_MAX } from './client/pinned-key.ts'
export { SDK_VERSION } from './client/sdk-version.ts'
export { type RequestToSign, SIGNED_BODY_MAX_BYTES, type SignRequest } from './client/sign-request.ts'
export {
  DELEGATION_MAX_BYTES,
  DELEGATION_MAX_LIFETIME_SECONDS,
  DELEGATION_TYP,
  type Delegation,
  decodeDelegation,
  ROOT_THUMBPRINTS_MAX,
  signDelegation,
  type TrustExpectation,
  verifyDelegation,
} from './manifest/delegation.ts'
export {
  compareManifests,
  MANIFEST_MAX_BYTES,
  MANIFEST_MAX_KEYS,
  MANIFEST_MAX_LIFETIME_SECONDS,
  MANIFEST_MEDIA_TYPE,
  MANIFEST_MIN_LIFETIME_SECONDS,
  MANIFEST_TYP,
  type Manifest,
  type ManifestKey,
  type ManifestPosition,
} from './manifest/manifest.ts'
export { signManifest } from './manifest/sign-manifest.ts'
export { type ManifestExpectation, verifyManifest } from './manifest/verify-manifest.ts'
