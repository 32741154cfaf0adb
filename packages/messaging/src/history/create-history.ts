import {
  type CryptoBackend,
  fromBase64url,
  type KemPublicKey,
  KeyhavenError,
  overwrite,
  toBase64url,
} from '@keyhaven/crypto'
import type { RecordedKey } from '../directory-port.ts'
import type { Context } from '../messenger/context.ts'
import { requireOwnRecord } from '../session/open-sending-session.ts'
import { ARCHIVE_PREFIX, archiveName, decodeArchivedKey, encodeArchivedKey } from './archive.ts'
import type { History, HistoryBatch, HistoryRecipient } from './history.ts'
import {
  decodeItems,
  encodeItems,
  type HistoryItem,
  type HistoryPayload,
  historyInfo,
  ITEM_HEAD_BYTES,
  MAX_BATCH_BYTES,
  MAX_BATCH_MESSAGES,
  readBatch,
  signBatch,
  verifyBatch,
} from './history-batch.ts'
import { openFromBackup, openFromDevice, sealToBackup, sealToDevice } from './seal-batch.ts'

const EXPORTED_PREFIX = 'exported/'
const BACKUP = 'backup'
const SESSION_CHARACTERS = 22
/**
 * How far after its signer's end a batch may be dated. The server takes requests of a clock up to 120 s ahead of its
 * own, and a revocation by a clock up to 300 s behind.
 */
const END_TOLERANCE_SECONDS = 420

/** What goes into one batch. */
interface Portion {
  readonly names: string[]
  readonly items: HistoryItem[]
}

/** The archive of message keys, and how it leaves and enters this device. */
export function createHistory(context: Context): History {
  const { application, archive, backend, me, store } = context

  /** Names of archived keys that the recipient was not given yet. */
  async function* missing(holder: string): AsyncGenerator<string> {
    let after: string | undefined
    for (;;) {
      const names = await store.list(ARCHIVE_PREFIX, {
        ...(after === undefined ? {} : { after }),
        limit: MAX_BATCH_MESSAGES,
      })
      for (const name of names) {
        if ((await store.get(exportedName(holder, name))) === undefined) yield name
      }
      after = names.at(-1)
      if (names.length < MAX_BATCH_MESSAGES) return
    }
  }

  /** As many as one batch takes: usernames may be long. */
  async function* portions(names: readonly string[]): AsyncGenerator<Portion> {
    let portion: Portion = { names: [], items: [] }
    let bytes = 0
    for (const name of names) {
      const stored = await store.get(name)
      if (!stored) continue
      const size = ITEM_HEAD_BYTES + stored.value.length
      if (portion.items.length === MAX_BATCH_MESSAGES || bytes + size > MAX_BATCH_BYTES) {
        yield portion
        portion = { names: [], items: [] }
        bytes = 0
      }
      portion.names.push(name)
      portion.items.push({ ...placeOf(name), key: decodeArchivedKey(stored.value) })
      bytes += size
    }
    if (portion.items.length > 0) yield portion
  }

  async function sealed(
    to: HistoryRecipient,
    recipient: string,
    items: readonly HistoryItem[],
  ): Promise<string> {
    const plaintext = encodeItems(items)
    const info = historyInfo(application, me.username, recipient)
    const bytes =
      'backup' in to
        ? await sealToBackup(backend, to.backup, info, plaintext)
        : await sealToDevice(backend, to.device.encryption, info, plaintext)
    overwrite(plaintext)
    const { username, device, signingKey } = me
    const fields = { application, username, device, entry: me.entry!, recipient, issued: context.now() }
    return signBatch(backend, signingKey, fields, bytes)
  }

  async function markExported(holder: string, names: readonly string[]): Promise<void> {
    for (const name of names) {
      const key = exportedName(holder, name)
      await store.commit({ expect: [{ key, version: null }], put: [{ key, value: new Uint8Array(0) }] })
    }
  }

  return {
    setArchive(on) {
      archive.on = on
    },
    async erase() {
      for (const prefix of [ARCHIVE_PREFIX, EXPORTED_PREFIX]) {
        for (const key of await store.list(prefix)) {
          const stored = await store.get(key)
          if (stored) await store.commit({ expect: [{ key, version: stored.version }], delete: [key] })
        }
      }
    },
    async *batches(to): AsyncGenerator<HistoryBatch> {
      await requireOwnRecord(context)
      const recipient = 'backup' in to ? BACKUP : to.device.device
      if ('device' in to) await requireOwnDevice(context, to.device)
      // What an earlier recovery key has, the present one does not have.
      const holder = 'backup' in to ? await nameOfBackup(backend, to.backup) : recipient
      const all: string[] = []
      for await (const name of missing(holder)) all.push(name)
      for await (const { names, items } of portions(all)) {
        const batch = await sealed(to, recipient, items)
        yield { recipient, batch, messages: names.length, done: () => markExported(holder, names) }
      }
    },
    async restore(batch, key) {
      const claimed = readBatch(batch)
      const recipient = key ? BACKUP : me.device
      requireForMe(context, claimed, recipient)
      const recorded = await context.directory.recordedKeys(me.username)
      const signer = recorded.find(
        ({ device, entry }) => device === claimed.device && entry === claimed.entry,
      )
      const payload = await verifyBatch(backend, requireSigner(signer, claimed).signingKey, batch)
      const info = historyInfo(application, me.username, recipient)
      const bytes = fromBase64url(payload.sealed)
      const plaintext = key
        ? await openFromBackup(backend, key, info, bytes)
        : await openFromDevice(backend, async (thumbprint) => me.findEncryptionKey(thumbprint), info, bytes)
      let added = 0
      for (const item of decodeItems(plaintext)) {
        const name = archiveName(item.session, item.n)
        // What this device read itself stays as it is: compare-and-set refuses a second one.
        const expect = [{ key: name, version: null }]
        if (await store.commit({ expect, put: [{ key: name, value: encodeArchivedKey(item.key) }] })) added++
      }
      overwrite(plaintext)
      return added
    },
  }
}

/** A backup key among the recipients of exports. */
async function nameOfBackup(backend: CryptoBackend, { bytes }: KemPublicKey): Promise<string> {
  return `${BACKUP}-${toBase64url(await backend.sha256(bytes))}`
}

/** History leaves to a device that the user's chain has now, under the key that it has now. */
async function requireOwnDevice(
  { me, people }: Context,
  { device, encryption }: Extract<HistoryRecipient, { device: unknown }>['device'],
): Promise<void> {
  const own = await people.fresh(me.username)
  if (own.devices.get(device)?.encryption.thumbprint !== encryption.thumbprint) {
    throw new KeyhavenError('ACCESS_DENIED', 'history goes to current devices of the same user only')
  }
}

function requireForMe({ application, me }: Context, claimed: HistoryPayload, recipient: string): void {
  if (
    claimed.application !== application ||
    claimed.username !== me.username ||
    claimed.recipient !== recipient
  ) {
    throw new KeyhavenError('SIGNATURE_INVALID', 'the batch is for somebody else')
  }
}

/**
 * Any device that the user's chains recorded, also of a chain before a reset, up to its end, give or take the clocks:
 * what it backed up just before must not be lost. That trusts a stolen device no more: the date is its own word. What
 * keeps it out after its end is the server, which takes no batch of it.
 */
function requireSigner(signer: RecordedKey | undefined, claimed: HistoryPayload): RecordedKey {
  if (!signer) throw new KeyhavenError('SIGNATURE_INVALID', 'the batch is by no device of this user')
  if (signer.revokedAt !== undefined && claimed.issued > signer.revokedAt + END_TOLERANCE_SECONDS) {
    throw new KeyhavenError('DEVICE_REVOKED', 'the batch is by a device after its revocation')
  }
  return signer
}

const exportedName = (holder: string, name: string): string =>
  `${EXPORTED_PREFIX}${holder}/${name.slice(ARCHIVE_PREFIX.length)}`

function placeOf(name: string): { session: string; n: number } {
  const session = name.slice(ARCHIVE_PREFIX.length, ARCHIVE_PREFIX.length + SESSION_CHARACTERS)
  return { session, n: Number(name.slice(ARCHIVE_PREFIX.length + SESSION_CHARACTERS + 1)) }
}
