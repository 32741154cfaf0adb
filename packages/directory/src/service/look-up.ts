import { KeyhavenError, toBase64url } from '@keyhaven/crypto'
import { type LookUpAnswer, MAX_LOOK_UP_ENTRIES, type ProvenEntry } from '../chain/look-up-answer.ts'
import { isUsername } from '../chain/names.ts'
import type { Caller } from './directory-service.ts'
import type { DirectoryTransaction, LogView, StoredEncryptionKey, StoredEntry } from './ports.ts'
import { nowSeconds, overLimit, type ServiceContext, takeTurn, validCaller } from './service-context.ts'

export interface LookUpInput {
  readonly username: string
  readonly after?: number
  readonly logSize?: number
}

/** `DirectoryService.lookUp`. */
export async function lookUpUser<Tx extends DirectoryTransaction>(
  context: ServiceContext<Tx>,
  { username, after = -1, logSize }: LookUpInput,
  caller: Caller,
): Promise<LookUpAnswer> {
  await takeLookUp(context, username, caller)
  const found = await read(context, { username, after }, caller)
  const newest = found.rows.at(-1)
  const view = await context.log.checkpoint(newest ? newest.index + 1 : 1)
  return {
    checkpoint: view.checkpoint,
    ...(logSize === undefined && { parametersProof: await parametersProof(context, view) }),
    ...(logSize !== undefined &&
      logSize >= 1 &&
      logSize <= view.size && { consistency: texts(await context.log.consistencyProof(logSize, view.size)) }),
    label: toBase64url(found.labelProof ?? context.labels.proof(username)),
    entries: await Promise.all(found.rows.map((row) => proven(context, row, view))),
    encryptionKeys: Object.fromEntries(found.keys.map(({ device, statement }) => [device, statement])),
    sequence: found.sequence,
  }
}

/**
 * Unknown names count, too: otherwise names could be harvested. Whom the caller knows cannot be, and a key for all
 * members of a large conversation takes a look-up of each.
 */
async function takeLookUp<Tx extends DirectoryTransaction>(
  context: ServiceContext<Tx>,
  username: string,
  caller: Caller,
): Promise<void> {
  if (await context.limits.take('look-up', caller.device)) return
  if (!(await context.knows?.(caller, username))) throw overLimit()
  await takeTurn(context, 'look-up-known', caller.device)
}

/** Read before the checkpoint is taken, so that it covers every entry. */
async function read<Tx extends DirectoryTransaction>(
  context: ServiceContext<Tx>,
  { username, after }: { readonly username: string; readonly after: number },
  caller: Caller,
): Promise<{
  readonly rows: readonly StoredEntry[]
  readonly keys: readonly StoredEncryptionKey[]
  readonly sequence: number
  readonly labelProof: Uint8Array | null
}> {
  const now = nowSeconds(context)
  return await context.store.transaction(async (tx) => {
    const own = await tx.findUser(caller.username)
    validCaller(await context.states.load(tx, caller.username, own, now), caller)
    const user = isUsername(username) ? await tx.findUser(username) : undefined
    if (!user) throw new KeyhavenError('NOT_FOUND', 'no such user')
    const rows = await tx.entries(username, after, MAX_LOOK_UP_ENTRIES)
    const ended = (await tx.devicesOf(username)).filter(({ endedAt }) => endedAt !== null && endedAt <= now)
    const gone = new Set(ended.map(({ device }) => device))
    const keys = (await tx.encryptionKeys(username, now)).filter(({ device }) => !gone.has(device))
    // One that came since the row was read may be among the entries.
    const sequence = Math.max(user.sequence, rows.at(-1)?.sequence ?? -1)
    return { rows, keys, sequence, labelProof: user.labelProof }
  })
}

async function proven<Tx extends DirectoryTransaction>(
  { log }: ServiceContext<Tx>,
  { entry, acceptance, index, opening }: StoredEntry,
  { size }: LogView,
): Promise<ProvenEntry> {
  const proof = texts(await log.inclusionProof(index, size))
  return { entry, acceptance, index, opening: toBase64url(opening), proof }
}

async function parametersProof<Tx extends DirectoryTransaction>(
  { log }: ServiceContext<Tx>,
  { size }: LogView,
): Promise<{ readonly leaf: string; readonly proof: readonly string[] }> {
  const proof = texts(await log.inclusionProof(0, size))
  return { leaf: toBase64url(await log.parameters()), proof }
}

function texts(hashes: readonly Uint8Array[]): readonly string[] {
  return hashes.map(toBase64url)
}
