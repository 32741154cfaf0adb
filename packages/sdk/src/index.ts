export {
  type Channel,
  type ChannelOptions,
  type ChannelStatus,
  type ChannelStorage,
  type ChannelTrust,
  createMemoryStorage,
  type ManifestTrust,
  type PinnedKey,
  type PinnedTrust,
  SDK_VERSION,
} from '@keyhaven/channel'
export { type ErrorCode, KeyhavenError } from '@keyhaven/crypto'
export { type ConnectOptions, connect, type Keyhaven } from './connect.ts'
export { type IndexedDbStorageOptions, indexedDbStorage } from './indexed-db-storage.ts'
