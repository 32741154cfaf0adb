import { equalConstantTime, utf8 } from '@keyhaven/crypto'
import type { CbeffRecord } from '../biometrics/bir.ts'
import { parseCbeff } from '../biometrics/parse-cbeff.ts'
import { hashOfSequences } from './hash-sequences.ts'
import { type IdSchema, SCHEMA_VERSION_FIELD, type SubPacketName } from './id-schema.ts'
import { type MetaInfo, parseMetaInfo } from './meta-info.ts'
import { subPacketLabel } from './packet-container.ts'
import type { PacketDocument } from './packet-input.ts'
import { checked, packetInvalid } from './packet-invalid.ts'
import { parseJson, parseJsonObject } from './side-file.ts'
import {
  AUDIT_FILE,
  baseName,
  byBaseName,
  DATA_HASH_FILE,
  DEFAULT_SUB_PACKET,
  ID_FILE,
  META_FILE,
  OFFICER_FILE,
  OPERATIONS_HASH_FILE,
  SUPERVISOR_FILE,
} from './sub-packet-files.ts'

const UNHASHED_FILES: readonly string[] = [DATA_HASH_FILE, OPERATIONS_HASH_FILE, META_FILE]
const CBEFF_FORMAT = 'cbeff'

/** What one sub-packet holds. */
export interface SubPacketContents {
  readonly name: SubPacketName
  readonly meta: MetaInfo
  readonly identity: Readonly<Record<string, unknown>>
  readonly documents: ReadonlyMap<string, PacketDocument>
  readonly biometrics: ReadonlyMap<string, CbeffRecord>
  readonly officerBiometrics: CbeffRecord | undefined
  readonly supervisorBiometrics: CbeffRecord | undefined
  readonly audits: readonly unknown[]
  readonly files: ReadonlyArray<{ readonly name: string; readonly bytes: number }>
}

/**
 * Checks the hashes of a sub-packet's files: every file is in a sequence, and both hash files agree.
 *
 * @throws KeyhavenError `PACKET_INVALID`
 */
export async function checkHashes(
  name: SubPacketName,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<MetaInfo> {
  const label = subPacketLabel(name)
  const meta = parseMetaInfo(required(files, META_FILE, label), label)
  const hashed = [...files].filter(([file]) => !UNHASHED_FILES.includes(file))
  const byBase = byBaseName(new Map(hashed))
  const listed = new Set([...meta.data, ...meta.operations].flatMap(({ value }) => value))
  if (byBase.size !== hashed.length || hashed.some(([file]) => !listed.has(baseName(file)))) {
    throw packetInvalid(`hash sequence of the ${label}: a file is in none`)
  }
  await requireHash(await hashOfSequences(meta.data, byBase), files, DATA_HASH_FILE, label)
  const hasOperations = meta.operations.some(({ value }) => value.length > 0)
  if (!hasOperations && name === DEFAULT_SUB_PACKET) {
    throw packetInvalid(`hash sequence of the ${label}: ${AUDIT_FILE} is missing`)
  }
  // MOSIP's older packets have the hash of nothing in the sub-packets without such files.
  if (hasOperations || files.has(OPERATIONS_HASH_FILE)) {
    await requireHash(await hashOfSequences(meta.operations, byBase), files, OPERATIONS_HASH_FILE, label)
  }
  return meta
}

async function requireHash(
  hash: string,
  files: ReadonlyMap<string, Uint8Array>,
  file: string,
  label: string,
): Promise<void> {
  if (!equalConstantTime(utf8(hash), required(files, file, label)))
    throw packetInvalid(`${file} of the ${label}`)
}

/**
 * Reads the files that were found right.
 *
 * @param schema - given: a field in a sub-packet that it does not belong to is refused.
 * @throws KeyhavenError `PACKET_INVALID`
 */
export function readContents(
  name: SubPacketName,
  files: ReadonlyMap<string, Uint8Array>,
  meta: MetaInfo,
  schema: IdSchema | undefined,
): SubPacketContents {
  const label = subPacketLabel(name)
  const check = `${ID_FILE} of the ${label}`
  const { identity } = parseJsonObject(required(files, ID_FILE, label), check)
  if (typeof identity !== 'object' || identity === null || Array.isArray(identity)) throw packetInvalid(check)
  const documents = new Map<string, PacketDocument>()
  const biometrics = new Map<string, CbeffRecord>()
  for (const [field, value] of Object.entries(identity)) {
    requireField(field, name, schema)
    const reference = referenceOf(value)
    if (reference === undefined) continue
    if (reference.format === CBEFF_FORMAT) {
      const file = `${reference.file}.xml`
      biometrics.set(
        field,
        checked(`${file} of the ${label}`, () => parseCbeff(required(files, file, label))),
      )
    } else {
      const bytes = required(files, `${reference.file}.${reference.format}`, label)
      documents.set(field, { bytes, ...reference })
    }
  }
  const cbeff = (file: string): CbeffRecord | undefined => {
    const bytes = files.get(file)
    return bytes && checked(`${file} of the ${label}`, () => parseCbeff(bytes))
  }
  return {
    name,
    meta,
    identity: identity as Record<string, unknown>,
    documents,
    biometrics,
    officerBiometrics: cbeff(OFFICER_FILE),
    supervisorBiometrics: cbeff(SUPERVISOR_FILE),
    audits: readAudits(files.get(AUDIT_FILE), label),
    files: [...files].map(([file, bytes]) => ({ name: file, bytes: bytes.length })),
  }
}

interface FileReference {
  readonly file: string
  readonly format: string
  readonly type: string
  readonly refNumber: string | undefined
}

/** A field that is a file: an object with its name and format. @returns undefined for every other. */
function referenceOf(value: unknown): FileReference | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const { value: file, format, type, refNumber } = value as Record<string, unknown>
  if (typeof file !== 'string' || typeof format !== 'string') return undefined
  return {
    file,
    format,
    type: typeof type === 'string' ? type : '',
    refNumber: typeof refNumber === 'string' ? refNumber : undefined,
  }
}

function requireField(field: string, name: SubPacketName, schema: IdSchema | undefined): void {
  if (schema === undefined || field === SCHEMA_VERSION_FIELD) return
  const known = schema.fields.find((candidate) => candidate.name === field)
  if (known?.subPackets.includes(name)) return
  // A name that the schema does not know may say anything.
  const path = known === undefined ? 'one that the schema does not have' : `identity.${field}`
  throw packetInvalid(`fields of the ${subPacketLabel(name)}: ${path}`)
}

function readAudits(bytes: Uint8Array | undefined, label: string): readonly unknown[] {
  if (bytes === undefined) return []
  const audits = parseJson(bytes, `${AUDIT_FILE} of the ${label}`)
  if (!Array.isArray(audits)) throw packetInvalid(`${AUDIT_FILE} of the ${label}`)
  return audits
}

function required(files: ReadonlyMap<string, Uint8Array>, file: string, label: string): Uint8Array {
  const bytes = files.get(file)
  if (bytes === undefined) throw packetInvalid(`${file} of the ${label} is missing`)
  return bytes
}
