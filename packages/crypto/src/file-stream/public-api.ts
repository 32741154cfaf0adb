// What `@keyhaven/crypto/file-stream` exports, whatever the runtime, beside the functions themselves.
export { type ByteSource, piecesOf, streamOf } from './byte-source.ts'
export type { FileStreams } from './create-file-streams.ts'
export type { EncryptFileOptions, FileOptions } from './encrypt-file.ts'
export type { EncryptedFile, OpenFileOptions, ReadRange } from './encrypted-file.ts'
export {
  encryptedFileBytes,
  FILE_CHUNK_BYTES,
  FILE_HEADER_BYTES,
  FILE_KEY_BYTES,
  FILE_SALT_BYTES,
  plaintextFileBytes,
  SEALED_CHUNK_BYTES,
} from './file-format.ts'
export type { Sha256 } from './file-primitives.ts'
