import { KeyhavenError, backend as runtimeBackend } from '@keyhaven/crypto'
import { Archive } from '../history/archive.ts'
import { createHistory } from '../history/create-history.ts'
import { MAX_NEGOTIATION_AGE_SECONDS } from '../session/accept-negotiation.ts'
import { Acknowledgements } from '../session/acknowledgements.ts'
import { createVerification } from '../verification/create-verification.ts'
import { RepairAnswers } from './answer-repair.ts'
import { type Context, DEFAULT_SETTINGS } from './context.ts'
import type { Messenger, MessengerOptions } from './messenger.ts'
import { People } from './people.ts'
import { Receiver } from './receiver.ts'
import { Sender } from './sender.ts'
import { sweepRecords } from './sweep.ts'

const MILLISECONDS = 1_000

/** Messages of one device. Several messengers may share a store, in tabs or processes. */
export function createMessenger(options: MessengerOptions): Messenger {
  const { application, me, directory, store, clock = Date.now, backend = runtimeBackend } = options
  if (me.application !== application) throw new TypeError('the device belongs to another application')
  const settings = { ...DEFAULT_SETTINGS, ...options.settings }
  if (settings.maxSessionMessages < 1) throw new TypeError('maxSessionMessages must be at least 1')
  const { lookUpSeconds } = settings
  const people = new People({ self: me.username, directory, store, backend, clock, lookUpSeconds })
  const now = (): number => Math.floor(clock() / MILLISECONDS)
  const context: Context = {
    application,
    me,
    directory,
    people,
    store,
    archive: new Archive(settings.archive),
    acknowledgements: new Acknowledgements(),
    backend,
    settings,
    clock,
    now,
  }
  const sender = new Sender(context)
  const receiver = new Receiver(context, sender)
  const answers = new RepairAnswers(context, sender)
  return {
    encrypt: (to, content, options) => sender.encrypt(to, content, options),
    decrypt: (envelope) => receiver.decrypt(envelope),
    decryptArchived: (envelope) => receiver.decryptArchived(envelope),
    answerRepair: (request) => answers.answer(request),
    renewSession: (to) => sender.renew(to),
    async endSession(session) {
      sender.end(session)
      await receiver.end(session)
    },
    async sweep() {
      await me.eraseExpired()
      await receiver.endOlderThan(now() - MAX_NEGOTIATION_AGE_SECONDS)
      await sweepRecords(context)
    },
    async lookUp(username) {
      const { user, trust } = await people.fresh(username)
      if (trust !== 'reset') return user
      throw new KeyhavenError('CHAIN_RESET', 'the user lost all devices and started a new chain')
    },
    directoryChanged: (username) => people.forget(username),
    history: createHistory(context),
    verification: createVerification(context),
    async close() {
      sender.close()
      receiver.close()
    },
  }
}
