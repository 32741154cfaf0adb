import { resolve } from 'node:path'
import { backend, KeyhavenError } from '@keyhaven/crypto'
import { type Checkpoint, type LogTrust, parseCheckpoint, verifyNote } from '@keyhaven/directory/log'
import { CommandError } from '../command-error.ts'
import type { Context } from '../context.ts'
import { readInput } from '../input/read-input.ts'
import { replaceFile } from '../input/write-file.ts'

/** Name of the checkpoint that contradicts the remembered one, beside it. */
const CONFLICT_SUFFIX = '.conflict'

/** A checkpoint in a file: the signed note, as the log wrote it. */
export interface RememberedCheckpoint {
  readonly checkpoint: Checkpoint | undefined
  /** Remembers a newer one in its place. */
  replace(note: string): Promise<void>
  /** Keeps one that contradicts it, as evidence. @returns the name of its file. */
  keepConflict(note: string): Promise<string>
}

/**
 * Reads the file; one that does not exist remembers nothing yet.
 *
 * @throws CommandError `SIGNATURE_INVALID` if what it holds is not signed by this log.
 */
export async function openRemembered(
  context: Context,
  name: string,
  { log }: LogTrust,
): Promise<RememberedCheckpoint> {
  const file = resolve(context.cwd, name)
  const text = await readInput(context, file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  return {
    checkpoint: text === undefined ? undefined : await readSigned(name, `${text}\n`, log),
    replace: (note) => replaceFile(file, note),
    async keepConflict(note) {
      await replaceFile(`${file}${CONFLICT_SUFFIX}`, note)
      return `${name}${CONFLICT_SUFFIX}`
    },
  }
}

async function readSigned(name: string, note: string, log: LogTrust['log']): Promise<Checkpoint> {
  try {
    const checkpoint = parseCheckpoint((await verifyNote(backend, note, [log])).text)
    if (checkpoint.origin === log.name) return checkpoint
  } catch (error) {
    if (!(error instanceof KeyhavenError)) throw error
  }
  throw new CommandError(
    'SIGNATURE_INVALID',
    `${name} holds no checkpoint that this log signed`,
    'Give another --since file for each log. If the key of this log has changed, ask the operator why: ' +
      'apps would refuse it too.',
  )
}
