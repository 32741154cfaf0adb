import { KeyhavenError } from '@keyhaven/crypto'
import { isConversationId } from '../membership/ids.ts'
import type { FilesPort } from './files-port.ts'

export const FILES_PATH = '/v1/files'
/** Of one PATCH: the device's signature covers the body as a whole. */
export const PIECE_BYTES = 8 * 1_024 * 1_024

const TUS = { 'tus-resumable': '1.0.0' } as const
const OFFSET_TYPE = 'application/offset+octet-stream'

/** The requests of tus 1.0.0 (tus.io/protocols/resumable-upload) that an upload needs. */
export interface TusCalls {
  /** @returns the id of a new file. */
  create(stored: number, signal: AbortSignal | undefined): Promise<string>
  /** @returns how many bytes the server has. */
  offset(id: string, signal: AbortSignal | undefined): Promise<number>
  /** @returns how many bytes the server has then. */
  append(
    id: string,
    offset: number,
    body: Uint8Array<ArrayBuffer>,
    signal: AbortSignal | undefined,
  ): Promise<number>
  remove(id: string): Promise<void>
}

export function createTusCalls({ call, conversation }: FilesPort): TusCalls {
  return {
    async create(stored, signal) {
      const headers = { ...TUS, 'upload-length': String(stored), 'keyhaven-conversation': conversation }
      const answer = await call('POST', FILES_PATH, undefined, headers, signal)
      await answer.body?.cancel()
      const location = answer.headers.get('location') ?? ''
      const id = location.slice(location.lastIndexOf('/') + 1)
      if (location !== `${FILES_PATH}/${id}` || !isConversationId(id)) throw notTus('Location')
      return id
    },
    async offset(id, signal) {
      const answer = await call('HEAD', `${FILES_PATH}/${id}`, undefined, TUS, signal)
      await answer.body?.cancel()
      return offsetOf(answer)
    },
    async append(id, offset, body, signal) {
      const headers = { ...TUS, 'upload-offset': String(offset), 'content-type': OFFSET_TYPE }
      const answer = await call('PATCH', `${FILES_PATH}/${id}`, body, headers, signal)
      await answer.body?.cancel()
      return offsetOf(answer)
    },
    async remove(id) {
      const answer = await call('DELETE', `${FILES_PATH}/${id}`, undefined, TUS, undefined)
      await answer.body?.cancel()
    },
  }
}

function offsetOf(answer: Response): number {
  const text = answer.headers.get('upload-offset') ?? ''
  if (!/^\d{1,15}$/.test(text)) throw notTus('Upload-Offset')
  return Number(text)
}

function notTus(header: string): KeyhavenError {
  return new KeyhavenError('WIRE_MALFORMED', `the answer of the key server has no usable ${header}`)
}
