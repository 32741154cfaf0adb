import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { usageError } from '../command-error.ts'
import type { Context } from '../context.ts'

/** Manifests, delegations and keys are far smaller. */
const INPUT_MAX_BYTES = 256 * 1024

/** Reads `-` from stdin, anything else from the file of that name. */
export async function readInput(context: Context, source: string): Promise<string> {
  if (source === '-') return readStdin(context)
  const file = resolve(context.cwd, source)
  const { size } = await stat(file)
  if (size > INPUT_MAX_BYTES) throw tooLarge(source)
  return (await readFile(file, 'utf8')).trim()
}

async function readStdin(context: Context): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of context.stdin) {
    const bytes = Buffer.from(chunk as Uint8Array)
    length += bytes.byteLength
    if (length > INPUT_MAX_BYTES) throw tooLarge('the input')
    chunks.push(bytes)
  }
  return Buffer.concat(chunks).toString('utf8').trim()
}

function tooLarge(source: string): Error {
  return usageError(`${source} is larger than ${INPUT_MAX_BYTES} bytes`, 'Check that it is the right file.')
}

/** Reads JSON that the user gave. */
export function parseUserJson(what: string, text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>
  } catch {
    // falls through to the one error for both
  }
  throw usageError(`${what} is not a JSON object`, 'Check that it is the right file.')
}
