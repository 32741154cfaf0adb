import { readdir, readFile, stat } from 'node:fs/promises'
import { extname, join, resolve } from 'node:path'
import type { CbeffRecord, IdSchema, PacketDocument } from '@keyhaven/identity'
import { usageError } from '../command-error.ts'
import type { Context } from '../context.ts'
import { parseUserJson, readInput } from '../input/read-input.ts'

/** What a document is, by field, in the folder of documents. */
const TYPES_FILE = 'documents.json'
/** Larger packets are refused by the server. */
const MAX_FILE_BYTES = 32 * 1024 * 1024

export async function readSchema(context: Context, file: string, version: number): Promise<IdSchema> {
  const { parseIdSchema } = await import('@keyhaven/identity')
  return parseIdSchema(parseUserJson(file, await readInput(context, file)), version)
}

/** Demographic fields: a JSON object by field. */
export async function readData(context: Context, file: string): Promise<Readonly<Record<string, unknown>>> {
  return parseUserJson(file, await readInput(context, file))
}

/**
 * Documents in a folder: `<field>.<format>`, and `documents.json` with `{ "<field>": { "type", "refNumber" } }`.
 */
export async function readDocuments(
  context: Context,
  folder: string,
): Promise<ReadonlyMap<string, PacketDocument>> {
  const files = await filesOf(context, folder)
  const typesFile = files.get(TYPES_FILE)
  const types = typesFile ? parseUserJson(TYPES_FILE, new TextDecoder().decode(typesFile)) : {}
  const documents = new Map<string, PacketDocument>()
  for (const [name, bytes] of files) {
    if (name === TYPES_FILE) continue
    const [field, format] = [name.slice(0, -extname(name).length), extname(name).slice(1)]
    const { type, refNumber } = (types[field] ?? {}) as Record<string, unknown>
    if (typeof type !== 'string' || format === '' || documents.has(field)) {
      throw usageError(
        `what ${name} in ${folder} is, is not known`,
        `Name each document FIELD.FORMAT, and say its type in ${TYPES_FILE}: {"${field}": {"type": "DOC001"}}.`,
      )
    }
    documents.set(field, { bytes, type, format, ...(typeof refNumber === 'string' && { refNumber }) })
  }
  return documents
}

/** Biometrics in a folder: `<field>.xml` (or `<field>_bio_CBEFF.xml`), each a CBEFF file. */
export async function readBiometrics(
  context: Context,
  folder: string,
): Promise<ReadonlyMap<string, CbeffRecord>> {
  const { parseCbeff } = await import('@keyhaven/identity')
  const records = new Map<string, CbeffRecord>()
  for (const [name, bytes] of await filesOf(context, folder)) {
    if (extname(name) !== '.xml') {
      throw usageError(`${name} in ${folder} is no CBEFF file`, 'Put FIELD.xml there, and nothing else.')
    }
    records.set(name.replace(/(_bio_CBEFF)?\.xml$/, ''), parseCbeff(bytes))
  }
  return records
}

async function filesOf(context: Context, folder: string): Promise<ReadonlyMap<string, Uint8Array>> {
  const path = resolve(context.cwd, folder)
  const files = new Map<string, Uint8Array>()
  for (const name of (await readdir(path)).sort()) {
    if (!name.startsWith('.')) files.set(name, await readFileOf(join(path, name), name))
  }
  return files
}

/** A packet, or a file that goes into one. */
export async function readFileOf(path: string, name: string): Promise<Uint8Array> {
  const { size } = await stat(path)
  if (size > MAX_FILE_BYTES) {
    throw usageError(`${name} is larger than ${MAX_FILE_BYTES} bytes`, 'Check that it is the right file.')
  }
  return new Uint8Array(await readFile(path))
}
