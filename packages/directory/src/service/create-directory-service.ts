import { KeyhavenError } from '@keyhaven/crypto'
import { MAX_RENEWAL_GRACE_SECONDS } from '../chain/limits.ts'
import type { UserState } from '../chain/user-state.ts'
import { appendEntry } from './append-entry.ts'
import type { Accepted, Caller, DirectoryService, DirectoryServiceOptions } from './directory-service.ts'
import { publishKey } from './encryption-keys.ts'
import { LabelProofs } from './label-proofs.ts'
import { lookUpUser } from './look-up.ts'
import { resetUser, revokeDevice } from './operator-entries.ts'
import type { DirectoryReads, DirectoryTransaction } from './ports.ts'
import { registerDevice } from './register-device.ts'
import { actorOf, nowSeconds, type ServiceContext } from './service-context.ts'
import { deleteToken, issueToken, listTokens } from './sign-up-tokens.ts'
import { UserStates } from './user-states.ts'

/** Key of the rate limit for calls of nobody known. */
const UNKNOWN_ORIGIN = 'unknown'

/**
 * The authority of one application: pure rules over ports.
 *
 * @throws TypeError on an authority key that is not Ed25519 or a grace time over `MAX_RENEWAL_GRACE_SECONDS`.
 */
export function createDirectoryService<Tx extends DirectoryTransaction>(
  options: DirectoryServiceOptions<Tx>,
): DirectoryService {
  const { application, backend, authority, settings, store } = options
  if (authority.algorithm !== 'EdDSA') throw new TypeError('the authority signs with Ed25519')
  if (!(settings.renewalGraceSeconds >= 0 && settings.renewalGraceSeconds <= MAX_RENEWAL_GRACE_SECONDS))
    throw new TypeError(`a grace time of 0 to ${MAX_RENEWAL_GRACE_SECONDS} seconds`)
  const states = new UserStates({ application, backend, authority: authority.publicKey })
  const labels = new LabelProofs(application, options.vrf)
  const context: ServiceContext<Tx> = { ...options, states, labels }
  return {
    register: (input, caller, origin = UNKNOWN_ORIGIN) =>
      entering(context, caller, () => registerDevice(context, input, caller, origin)),
    append: (input, caller, origin = UNKNOWN_ORIGIN) =>
      entering(context, caller, () => appendEntry(context, input, caller, origin)),
    publishEncryptionKey: ({ statement }, caller) => publishKey(context, statement, caller),
    lookUp: (input, caller) => lookUpUser(context, input, caller),
    async findDevice(device) {
      const row = await store.reads.findDevice(device)
      if (!row) return undefined
      const state = await load(context, store.reads, row.username)
      const found = [...state.devices, ...state.former].find((candidate) => candidate.device === device)
      return found && { username: row.username, device: found }
    },
    reset: (input, actor) => entering(context, undefined, () => resetUser(context, input, actor)),
    revokeByOperator: (input, actor) =>
      entering(context, undefined, () => revokeDevice(context, input, actor)),
    issueSignUpToken: (input, actor) => issueToken(context, input, actor),
    listSignUpTokens: (page) => listTokens(context, page),
    deleteSignUpToken: (id, actor) => deleteToken(context, id, actor),
    listUsers: ({ query, ...page }) =>
      store.transaction((tx) => tx.listUsers({ ...page, ...(query !== undefined && { prefix: query }) })),
    user: (username) =>
      store.transaction(async (tx) => {
        const user = await tx.findUser(username)
        if (!user) throw new KeyhavenError('NOT_FOUND', 'no such user')
        const state = await load(context, tx, username)
        return { user, state, entries: await tx.entries(username, -1) }
      }),
  }
}

async function load<Tx extends DirectoryTransaction>(
  context: ServiceContext<Tx>,
  reads: DirectoryReads,
  username: string,
): Promise<UserState> {
  return await context.states.load(reads, username, await reads.findUser(username), nowSeconds(context))
}

/**
 * Runs what adds an entry; tells others once it is committed; writes down what a known device was refused.
 */
async function entering<Tx extends DirectoryTransaction>(
  context: ServiceContext<Tx>,
  caller: Caller | undefined,
  run: () => Promise<{ readonly accepted: Accepted; readonly after: UserState }>,
): Promise<Accepted> {
  try {
    const { accepted, after } = await run()
    context.states.keep(after)
    const { kind } = after.history.at(-1)!
    context.notify?.({ username: after.username, sequence: accepted.sequence, kind })
    return accepted
  } catch (error) {
    if (caller && error instanceof KeyhavenError && isTelling(error))
      await auditRefusal(context, caller, error)
    throw error
  }
}

/** Losing a race or calling too often says nothing about the device. */
function isTelling({ code }: KeyhavenError): boolean {
  return code !== 'CONFLICT' && code !== 'RATE_LIMITED' && code !== 'STORE_UNAVAILABLE'
}

async function auditRefusal<Tx extends DirectoryTransaction>(
  { store }: ServiceContext<Tx>,
  caller: Caller,
  error: KeyhavenError,
): Promise<void> {
  const subject = `${caller.username}/${caller.device}`
  const detail = { code: error.code, message: error.message }
  await store.transaction(async (tx) => {
    await tx.audit({ actor: actorOf(caller), action: 'directory.refuse', subject, detail })
  })
}
