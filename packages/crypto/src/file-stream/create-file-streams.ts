import type { ByteSource } from './byte-source.ts'
import { decryptFile } from './decrypt-file.ts'
import { type EncryptFileOptions, encryptFile, type FileOptions } from './encrypt-file.ts'
import { type EncryptedFile, type OpenFileOptions, openFile } from './encrypted-file.ts'
import { FILE_KEY_BYTES, FILE_SALT_BYTES } from './file-format.ts'
import type { FilePrimitives, Sha256 } from './file-primitives.ts'

/** Encryption of files as streams, in constant memory: Cobblestone-256 (c2sp.org/chunked-encryption). */
export interface FileStreams {
  /** 32 random bytes, for one file. */
  newFileKey(): Uint8Array
  /** 24 random bytes. */
  newFileSalt(): Uint8Array
  /**
   * The encrypted file in pieces of about 1 MiB, or as small as the source's; it is read no faster than they
   * are taken.
   *
   * @throws TypeError on a wrong key, and what the source throws.
   */
  encryptFile(source: ByteSource, options: EncryptFileOptions): AsyncGenerator<Uint8Array, void, void>
  /**
   * The file in pieces, each authenticated before it is given. Only the end without an error says that the
   * file is whole.
   *
   * @throws KeyhavenError `OPEN_FAILED`, whatever the reason: key, context, or a file that is damaged,
   *   shortened, longer, or in another order. What the source throws.
   */
  decryptFile(source: ByteSource, options: FileOptions): AsyncGenerator<Uint8Array, void, void>
  /** Reads parts of an encrypted file. @throws KeyhavenError `OPEN_FAILED`, whatever the reason. */
  openFile(options: OpenFileOptions): Promise<EncryptedFile>
  /** A hash of bytes that come piece by piece, as WebCrypto has none. */
  createSha256(): Sha256
}

export function createFileStreams(primitives: FilePrimitives): FileStreams {
  return {
    newFileKey: () => primitives.randomBytes(FILE_KEY_BYTES),
    newFileSalt: () => primitives.randomBytes(FILE_SALT_BYTES),
    encryptFile: (source, options) => encryptFile(primitives, source, options),
    decryptFile: (source, options) => decryptFile(primitives, source, options),
    openFile: (options) => openFile(primitives, options),
    createSha256: primitives.createSha256,
  }
}
