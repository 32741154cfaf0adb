export { type SqliteStoreOptions, sqliteStore } from '@keyhaven/messaging/node'
