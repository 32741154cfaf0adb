import type { ByteSource } from '@keyhaven/crypto/file-stream'
import type { FileContent } from '../message/file-content.ts'
import { type DownloadOptions, downloadFile, type FileDownload, readFileMetadata } from './file-download.ts'
import type { FileMetadata } from './file-header.ts'
import { createUpload, type FileUpload } from './file-upload.ts'
import type { FilesPort } from './files-port.ts'
import type { UploadOptions } from './upload-options.ts'

/**
 * Files of a conversation. There is no way to send one in clear: whatever is given is encrypted on this
 * device under a key of its own, name, type and thumbnail too, and the key travels only inside the encrypted
 * message.
 */
export interface ConversationFiles {
  /**
   * Encrypts and uploads. What it gives is sent as a message: `conversation.encrypt(content)`.
   *
   * @param source - a Blob or File; or a stream or iterable of bytes, then with `size`.
   * @throws as {@link FileUpload.run}; TypeError if the size is not known.
   */
  upload(source: ByteSource, options: UploadOptions & { readonly signal?: AbortSignal }): Promise<FileContent>
  /** For uploads that can be paused: nothing happens before `run()`. */
  createUpload(source: ByteSource, options: UploadOptions): FileUpload
  /**
   * Downloads and decrypts; resolves as soon as name, type and thumbnail are known.
   *
   * @throws KeyhavenError `INPUT_INVALID`, before any call, if the address is not on this key server;
   *   `FILE_DAMAGED` if the stored bytes are not those that were sent; the signal's reason; the server's
   *   refusals.
   */
  download(content: FileContent, options?: DownloadOptions): Promise<FileDownload>
  /** Only name, type, size and thumbnail. Throws as {@link download}. */
  metadata(content: FileContent, options?: Pick<DownloadOptions, 'signal'>): Promise<FileMetadata>
}

export function createConversationFiles(port: FilesPort): ConversationFiles {
  return {
    upload: async (source, { signal, ...options }) => createUpload(port, source, options).run(signal),
    createUpload: (source, options) => createUpload(port, source, options),
    download: (content, options) => downloadFile(port, content, options),
    metadata: (content, options) => readFileMetadata(port, content, options),
  }
}
