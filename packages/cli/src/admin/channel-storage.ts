import { createHash } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Context } from '../context.ts'
import { replaceFile } from '../input/write-file.ts'

interface Storage {
  get(key: string): Promise<string | undefined>
  set(key: string, value: string): Promise<void>
}

/**
 * What the channel must remember between two commands: the newest manifest seen, so that an older one is
 * refused. One file for each server and root, in XDG_STATE_HOME (default ~/.local/state) under `keyhaven/`,
 * mode 0600.
 */
export function openChannelStorage(context: Context, origin: string, roots: readonly string[]): Storage {
  const name = createHash('sha256')
    .update(JSON.stringify([origin, ...roots]))
    .digest('base64url')
  const base = context.env.XDG_STATE_HOME || join(context.env.HOME ?? homedir(), '.local', 'state')
  const file = join(base, 'keyhaven', `channel-${name}.json`)
  let entries: Promise<Map<string, string>> | undefined
  const load = (): Promise<Map<string, string>> => {
    entries ??= readEntries(file)
    return entries
  }
  // One after the other, so that the last one to be written is the newest.
  let written: Promise<void> = Promise.resolve()
  const write = async (): Promise<void> => {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    await replaceFile(file, JSON.stringify(Object.fromEntries(await load())))
  }
  return {
    get: async (key) => (await load()).get(key),
    set: async (key, value) => {
      const present = await load()
      present.set(key, value)
      written = written.catch(() => {}).then(write)
      await written
    },
  }
}

async function readEntries(file: string): Promise<Map<string, string>> {
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'))
    if (typeof value !== 'object' || value === null) return new Map()
    return new Map(
      Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    )
  } catch {
    return new Map() // first use, or a damaged file: the manifest is fetched and verified anew
  }
}
