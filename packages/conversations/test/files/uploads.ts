import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import { createConversationFiles } from '../../src/index.ts'
import { type Fault, scriptedServer } from './scripted-server.ts'

export const MEBIBYTE = 1_024 * 1_024
export const PIECE = 8 * MEBIBYTE
export const MARKER = 'a marker that nobody but members may see'
export const code = (name: string) => expect.objectContaining({ code: name })

export function content(bytes: number, seed = 1): Uint8Array<ArrayBuffer> {
  const block = createHash('sha512').update(String(seed)).digest()
  const plain = new Uint8Array(bytes)
  for (let at = 0; at < bytes; at += block.length) plain.set(block.subarray(0, bytes - at), at)
  if (bytes > 100) plain.set(Buffer.from(MARKER), bytes >> 1)
  return plain
}

export async function* inPieces(bytes: Uint8Array, length: number) {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length)
}

export function start() {
  const server = scriptedServer()
  return { server, files: createConversationFiles(server.port) }
}

export async function backOf(
  { files }: ReturnType<typeof start>,
  file: Parameters<typeof files.download>[0],
) {
  return new Uint8Array(await (await (await files.download(file)).blob()).arrayBuffer())
}

/** One fault, at the n-th PATCH from now. */
export function onPatch(n: number, fault: Fault): Fault {
  let patches = 0
  return (call, usual) => (call.method === 'PATCH' && ++patches === n ? fault(call, usual) : undefined)
}
