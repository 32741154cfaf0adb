import type { MetricsRegistry } from '../platform/metrics/registry.ts'
import type { FileService } from './file-service.ts'

/** Counts the bytes that files bring and take; no label names anybody. */
export function countFileBytes(files: FileService, metrics: MetricsRegistry): FileService {
  const uploaded = metrics.counter('keyhaven_files_uploaded_bytes_total', 'Bytes stored of uploads.')
  const downloaded = metrics.counter('keyhaven_files_downloaded_bytes_total', 'Bytes given out of files.')
  return {
    ...files,
    async append(file, body) {
      const length = await files.append(file, body)
      uploaded.add({}, body.length)
      return length
    },
    async read(...call) {
      const count = new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, out) {
          downloaded.add({}, chunk.length)
          out.enqueue(chunk)
        },
      })
      return (await files.read(...call)).pipeThrough(count)
    },
  }
}
