import { type KemPrivateKey, KeyhavenError, kemPublicKeyFromJwk } from '@keyhaven/crypto'
import type { RecoveryState } from '@keyhaven/directory'
import type { HistoryRecipient } from '@keyhaven/messaging'
import { HandOvers } from './hand-over.ts'
import type { OpenDevice } from './open-device.ts'
import { openRecoveryKey, type RecoverySecret } from './recovery-secret.ts'
import { readText, writeText } from './stored-value.ts'

const BATCHES_PATH = '/v1/history/batches'
const BACKUP = 'backup'
const MS_PER_SECOND = 1_000
const TAKEN_KEY = 'sdk/history-taken'

/** The archive of message keys: what makes old messages readable on another device. */
export interface History {
  /** Whether keys of messages are kept from now on. Off keeps what is there; see `erase`. */
  keep(on: boolean): void
  /** Erases the archive of this device. What was backed up, or handed over, stays there. */
  erase(): Promise<void>
  /**
   * Backs up, under the recovery key, what is not backed up yet. It runs by itself about every hour.
   *
   * @returns how many messages. 0, too, if there is no recovery key (see `recovery.createWords`), or one that another
   *   device made less than 24 hours ago: the thief of a device could have made it to read what this one has.
   */
  backUp(): Promise<number>
  /** As `recovery.restore`. */
  restore(secret: RecoverySecret): Promise<number>
  /** Takes what other devices have handed to this one. `messages.readAgain` does so by itself. */
  receive(): Promise<number>
}

/** What other parts of the SDK need of the history. */
export interface HistoryParts {
  readonly history: History
  /** To devices that this one approves. */
  readonly handOvers: HandOvers
  restoreBackup(key: KemPrivateKey): Promise<number>
}

export function createHistoryParts(device: OpenDevice): HistoryParts {
  const { api, app, directory, keys, messenger, used } = device
  const { history } = messenger
  /** One at a time, shared by all who ask meanwhile. */
  let receiving: Promise<number> | undefined

  async function sendTo(to: HistoryRecipient): Promise<number> {
    let messages = 0
    for await (const batch of history.batches(to)) {
      const body = { recipient: batch.recipient, batch: batch.batch }
      await device.signed(() => api.call('POST', BATCHES_PATH, body))
      await batch.done()
      messages += batch.messages
    }
    return messages
  }

  /** @param take - given each batch. @returns the cursor behind the last one. */
  async function eachBatch(
    recipient: string,
    from: string | undefined,
    take: (batch: string) => Promise<void>,
  ): Promise<string | undefined> {
    let after = from
    // Batches are signed: by a device, or under keys, that may be newer than what is remembered of the own chain.
    await device.signed(() => directory.ownChain())
    for (;;) {
      const query = new URLSearchParams({ recipient, ...(after !== undefined && { after }) })
      const page = await device.signed(() => api.json('GET', `${BATCHES_PATH}?${query}`))
      const items = Array.isArray(page.items) ? page.items.map(readItem) : []
      for (const { batch } of items) await take(batch)
      after = items.at(-1)?.cursor ?? after
      if (items.length === 0 || typeof page.nextCursor !== 'string') return after
    }
  }

  function isContested({ by, settled }: RecoveryState): boolean {
    const own = by.kind === 'device' && by.device === keys.device
    return !own && app.clock() < settled * MS_PER_SECOND
  }

  async function restoreBackup(key: KemPrivateKey): Promise<number> {
    let added = 0
    let failed: unknown
    let read = 0
    await eachBatch(BACKUP, undefined, async (batch) => {
      try {
        added += await history.restore(batch, key)
        read++
      } catch (error) {
        // Of an earlier recovery key, or of a device that is not in the chain: the rest is still worth reading.
        if (!(error instanceof KeyhavenError)) throw error
        failed ??= error
      }
    })
    if (read === 0 && failed !== undefined) throw failed
    return added
  }

  async function receive(): Promise<number> {
    let added = 0
    const from = await readText(used.store, TAKEN_KEY)
    const after = await eachBatch(keys.device, from, async (batch) => {
      try {
        added += await history.restore(batch)
      } catch (error) {
        // Whoever can put a batch there cannot make it one of this user's devices.
        if (!(error instanceof KeyhavenError)) throw error
      }
    })
    if (after !== undefined && after !== from) await writeText(used.store, TAKEN_KEY, after)
    return added
  }

  return {
    history: {
      keep: (on) => history.setArchive(on),
      erase: () => history.erase(),
      async backUp() {
        const { recovery } = await device.signed(() => directory.ownChain())
        if (recovery === undefined || isContested(recovery)) return 0
        return sendTo({ backup: await kemPublicKeyFromJwk(app.backend, recovery.backupKey) })
      },
      async restore(secret) {
        return restoreBackup((await openRecoveryKey(device, secret)).backupKey)
      },
      receive() {
        receiving ??= receive().finally(() => {
          receiving = undefined
        })
        return receiving
      },
    },
    handOvers: new HandOvers(device, (recipient) => sendTo({ device: recipient })),
    restoreBackup,
  }
}

function readItem(item: unknown): { batch: string; cursor: string } {
  const { batch, cursor } = (item ?? {}) as Readonly<Record<string, unknown>>
  if (typeof batch === 'string' && typeof cursor === 'string') return { batch, cursor }
  throw new KeyhavenError('WIRE_MALFORMED', 'the server gave a history that cannot be read')
}
