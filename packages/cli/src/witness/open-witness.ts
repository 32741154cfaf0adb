import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { backend, KeyhavenError } from '@keyhaven/crypto'
import {
  createNoteSigner,
  formatVerifierKey,
  isKeyName,
  isOrigin,
  parseVerifierKey,
  type VerifierKey,
  type Witness,
} from '@keyhaven/directory/log'
import { CommandError, usageError } from '../command-error.ts'
import { openWitnessFile, type WitnessFile, type WitnessIdentity } from './witness-file.ts'

/** In the data folder: the key, and what was cosigned. */
export const WITNESS_FILE = 'witness.db'
const NAME_BYTES = 6
const MS_PER_SECOND = 1_000

export interface WitnessInput {
  readonly folder: string
  /** Verifier keys of the logs. */
  readonly logs: readonly string[]
  /** Name of a new witness's key. */
  readonly name: string | undefined
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export interface OpenWitness extends Disposable {
  readonly witness: Witness
  /** What clients and logs know the witness by. */
  readonly verifierKey: string
  /** Whether its key was made just now. */
  readonly isNew: boolean
}

/**
 * Opens a witness, or makes one: its key comes into being together with the file that remembers what it
 * cosigned.
 *
 * @throws CommandError on wrong options; KeyhavenError `STORE_UNAVAILABLE`.
 */
export async function openWitness(input: WitnessInput): Promise<OpenWitness> {
  const logs = await importLogs(input.logs)
  const fresh = await newIdentity(input.name)
  const file = openWitnessFile(join(input.folder, WITNESS_FILE))
  try {
    const identity = file.identity(() => fresh)
    requireName(identity, input.name)
    const key = await backend.signatures.importSigningKey('EdDSA', JSON.parse(identity.privateKey))
    const signer = await createNoteSigner(backend, identity.name, 'cosignature', key)
    const clock = () => Math.floor(input.now() / MS_PER_SECOND)
    return {
      witness: { signer, logs, state: file.state, clock },
      verifierKey: formatVerifierKey(signer.verifier),
      isNew: identity.privateKey === fresh.privateKey,
      [Symbol.dispose]: () => file.close(),
    }
  } catch (error) {
    closeQuietly(file)
    throw error
  }
}

async function newIdentity(name: string | undefined): Promise<WitnessIdentity> {
  if (name !== undefined && !isKeyName(name)) {
    throw usageError(
      `--name: "${name}" cannot name a key`,
      'Write it like witness.example/w1: no spaces and no plus signs.',
    )
  }
  const key = await backend.signatures.generateKeyPair('EdDSA')
  return {
    name: name ?? `keyhaven.local/witness/${randomBytes(NAME_BYTES).toString('hex')}`,
    privateKey: JSON.stringify(await backend.signatures.exportSigningKey(key)),
  }
}

function requireName(identity: WitnessIdentity, name: string | undefined): void {
  if (name === undefined || name === identity.name) return
  throw new CommandError(
    'CONFIG_INVALID',
    `this witness is called ${identity.name}, not ${name}`,
    'Leave --name out, or make another witness in another folder (--data).',
  )
}

async function importLogs(keys: readonly string[]): Promise<Map<string, readonly VerifierKey[]>> {
  const logs = new Map<string, readonly VerifierKey[]>()
  for (const text of new Set(keys)) {
    const key = await importLog(text)
    logs.set(key.name, [...(logs.get(key.name) ?? []), key])
  }
  return logs
}

async function importLog(text: string): Promise<VerifierKey> {
  try {
    const key = await parseVerifierKey(backend, text)
    if (key.type === 'ed25519' && isOrigin(key.name)) return key
  } catch (error) {
    if (!(error instanceof KeyhavenError)) throw error
  }
  throw usageError(
    `--log: "${text}" is not the verifier key of a log`,
    '`keyhaven directory log show APPLICATION` prints it.',
  )
}

function closeQuietly(file: WitnessFile): void {
  try {
    file.close()
  } catch {
    // the error that is under way says more
  }
}
