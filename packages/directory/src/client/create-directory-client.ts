import { KeyhavenError, backend as runtimeBackend } from '@keyhaven/crypto'
import { PROFILES, type ProfileName } from '../chain/profile.ts'
import { DirectoryApi } from './directory-api.ts'
import type { DirectoryClient, DirectoryClientOptions, DirectoryIdentity } from './directory-client.ts'
import { createExclusive } from './exclusive.ts'
import { LogMemory } from './log-memory.ts'
import { LookUps } from './look-up.ts'
import { monitorLog } from './monitor-log.ts'
import { recordedKeysOf } from './recorded-keys.ts'
import { EntrySubmitter } from './submit-entry.ts'
import { UserMemory } from './user-memory.ts'

const MILLISECONDS = 1_000
const MODERN_PROFILES = Object.values(PROFILES)
  .filter(({ legacy }) => !legacy)
  .map(({ name }) => name)

/**
 * A client of one application's directory. Calls run one after the other, so that what is remembered only moves
 * forward. Nothing is sent before the first call.
 */
export function createDirectoryClient(options: DirectoryClientOptions): DirectoryClient {
  const { fetch, application, trust, store, clock = Date.now, backend = runtimeBackend } = options
  const now = () => Math.floor(clock() / MILLISECONDS)
  let identity: DirectoryIdentity | undefined = options.identity
  const api = new DirectoryApi({ fetch, application, backend, clock, identity: () => identity })
  const consistency = (from: number, to: number) => api.consistency(from, to)
  const log = new LogMemory({ backend, application, trust, store, now, consistency })
  const users = async () => new UserMemory(store, application, await log.origin())
  const profiles: ReadonlySet<ProfileName> = new Set(options.profiles ?? MODERN_PROFILES)
  const onEvent = options.onEvent ?? (() => {})
  const lookUps = new LookUps({ backend, application, api, log, users, now, profiles, onEvent })
  const submitter = new EntrySubmitter({
    backend,
    application,
    api,
    lookUps,
    log,
    now,
    identity: () => identity,
    use: (next) => {
      identity = next
    },
  })
  const exclusive = createExclusive()
  function own(): DirectoryIdentity {
    if (identity === undefined) throw new KeyhavenError('UNAUTHENTICATED', 'no device: register one first')
    return identity
  }
  return {
    use(next) {
      // In its turn: a call under way goes on as the device that it began with.
      void exclusive(async () => {
        identity = next
      })
    },
    lookUp: (username, { atLeast } = {}) => exclusive(() => lookUps.lookUp(username, atLeast)),
    ownChain: () => exclusive(async () => (await lookUps.prove(own().username)).remembered.state),
    recordedKeys: (username) =>
      exclusive(async () => {
        const remembered = await (await lookUps.remembered(username)).read()
        return recordedKeysOf((remembered ?? (await lookUps.prove(username)).remembered).state)
      }),
    acceptReset: (username, chain) => exclusive(() => lookUps.acceptReset(username, chain)),
    register: (username, device, signUp) => exclusive(() => submitter.register(username, device, signUp)),
    requestDevice: (username, device) => submitter.deviceRequest(username, device),
    approve: (request) => exclusive(() => submitter.approve(request)),
    renew: (device, renewal) => exclusive(() => submitter.renew(device, renewal)),
    revoke: (device, reason, recovery) => exclusive(() => submitter.revoke(device, reason, recovery)),
    object: (entry) => exclusive(() => submitter.object(entry)),
    setRecovery: (keys, recovery) => exclusive(() => submitter.setRecovery(keys, recovery)),
    publishEncryptionKey: (key, times) => exclusive(() => submitter.publishEncryptionKey(key, times)),
    monitor: () => exclusive(() => monitorLog({ backend, api, lookUps, users }, own())),
    acknowledge: (sequence) =>
      exclusive(async () => {
        const value = await lookUps.remembered(own().username)
        const remembered = (await value.read()) ?? (await lookUps.prove(own().username)).remembered
        const acknowledged = Math.min(sequence, remembered.state.sequence)
        await value.write({ ...remembered, acknowledged })
      }),
    checkpoint: async () => {
      const remembered = await log.remembered()
      return remembered && { size: remembered.size, root: remembered.root, note: remembered.note }
    },
    compareCheckpoint: (note) => exclusive(() => log.compare(note)),
  }
}
