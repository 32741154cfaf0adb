import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { createGunzip } from 'node:zlib'
import { KeyhavenError } from '@keyhaven/crypto'
import type { BackupHeader, Row } from './backup-format.ts'
import { decodeHeader, decodeLine, MAX_LINE_BYTES } from './backup-format.ts'

const NEWLINE = 0x0a

export type BackupPart =
  | { readonly kind: 'header'; readonly header: BackupHeader }
  | { readonly kind: 'row'; readonly table: string; readonly row: Row }

/**
 * Reads a backup in bounded memory. What it yields counts only once it has ended without an error: the check
 * of the whole comes last.
 *
 * @throws KeyhavenError `INPUT_INVALID` if the file is no backup, is cut, was changed or goes on behind its
 *   end.
 */
export async function* readBackup(file: string): AsyncGenerator<BackupPart> {
  const hash = createHash('sha256')
  const counts = new Map<string, number>()
  let header: BackupHeader | undefined
  let rows = 0
  let ended = false
  for await (const line of linesOf(file)) {
    if (ended) throw damaged()
    if (header === undefined) {
      header = decodeHeader(line.toString())
      yield { kind: 'header', header }
    } else {
      const decoded = decodeLine(line.toString())
      if ('end' in decoded) {
        if (decoded.rows !== rows || decoded.sha256 !== hash.digest('hex')) throw damaged()
        ended = true
        continue
      }
      rows++
      counts.set(decoded.table, (counts.get(decoded.table) ?? 0) + 1)
      yield { kind: 'row', ...decoded }
    }
    hash.update(line).update('\n')
  }
  if (!ended || header === undefined) throw damaged()
  for (const [table, count] of Object.entries(header.counts)) {
    if ((counts.get(table) ?? 0) !== count) throw damaged()
  }
}

/** Without their newlines; a last line without one is a cut. */
async function* linesOf(file: string): AsyncGenerator<Buffer> {
  const source = createReadStream(file)
  const unzipped = source.pipe(createGunzip())
  source.on('error', (error) => unzipped.destroy(error))
  let parts: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of unzipped as AsyncIterable<Buffer>) {
      let from = 0
      for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
        parts.push(chunk.subarray(from, end))
        yield parts.length === 1 ? chunk.subarray(from, end) : Buffer.concat(parts)
        parts = []
        length = 0
        from = end + 1
      }
      parts.push(chunk.subarray(from))
      length += chunk.length - from
      if (length > MAX_LINE_BYTES) throw damaged()
    }
  } catch (error) {
    if (error instanceof KeyhavenError) throw error
    const { code = '' } = error as NodeJS.ErrnoException
    if (code.startsWith('E'))
      throw new KeyhavenError('INPUT_INVALID', `cannot read ${file}`, { cause: error })
    throw damaged()
  } finally {
    source.destroy()
  }
  if (length > 0) throw damaged()
}

function damaged(): KeyhavenError {
  return new KeyhavenError('INPUT_INVALID', 'the backup is cut or damaged')
}
