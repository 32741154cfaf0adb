import { randomUUID } from 'node:crypto'
import { backend, KeyhavenError } from '@keyhaven/crypto'
import { type IdentityKeys, type JwsSigner, keyName, signDetachedJws } from '@keyhaven/identity'
import {
  type CredentialService,
  type CredentialServiceOptions,
  createCredentialService,
  DELIVERY_WAIT_DAYS,
  type EventPublisher,
} from '@keyhaven/identity/service'
import type { JobRunner } from '../../platform/jobs/job.ts'
import type { Jobs } from '../../platform/jobs/jobs.ts'
import type { State, StateTransaction } from '../../platform/state/state.ts'
import { CREDENTIAL_QUEUE, createCredentialStore } from './credential-store.ts'

/** K7.5. */
const CREDENTIAL_REQUEST = keyName('ID_REPO', 'credential_request')
/** The oblivious PRF, or the Bio-SDK service, cannot be asked now, or not more often today. */
const NOT_NOW: readonly string[] = ['UPSTREAM_FAILED', 'RATE_LIMITED']
/** Tried again by itself only where that can help; what needs a person is `FAILED` at once. */
const RETRIED: readonly string[] = [...NOT_NOW, 'UPSTREAM_REFUSED', 'STORE_UNAVAILABLE', 'CONFLICT']
const MS_PER_DAY = 86_400_000
/** So that what waits is issued soon after. */
const MAX_WAIT_MS = 15 * 60_000

type Options = CredentialServiceOptions<StateTransaction>

export interface CredentialParts
  extends Pick<Options, 'vault' | 'decisions' | 'datashare' | 'person' | 'token' | 'issuer' | 'clock'> {
  readonly state: State
  readonly applicationId: string
  readonly keys: Pick<IdentityKeys, 'recipient' | 'opener'>
  /** With KERNEL/SIGN. */
  readonly signer: () => Promise<JwsSigner>
  readonly jobs: Jobs
  readonly events: EventPublisher<StateTransaction>
}

export interface Credentials extends CredentialService<StateTransaction> {
  /** Issues what is ordered, in this process. */
  run(options: { readonly onError: (error: unknown) => void; readonly concurrency?: number }): JobRunner
}

/** The credential service of an application, in its database and with its jobs. */
export function createCredentials(parts: CredentialParts): Credentials {
  const { state, applicationId, jobs, events, keys } = parts
  const service = createCredentialService<StateTransaction>({
    ...parts,
    backend,
    store: createCredentialStore({ state, applicationId, jobs, events }),
    sign: async (payload) => signDetachedJws(await parts.signer(), payload, { x5tS256: true }),
    orderRecipient: () => keys.recipient(CREDENTIAL_REQUEST),
    orderOpener: keys.opener(CREDENTIAL_REQUEST),
    newId: randomUUID,
  })
  return {
    ...service,
    run: ({ onError, concurrency }) =>
      jobs.createJobRunner({
        queue: CREDENTIAL_QUEUE,
        onError,
        maxBackoff: MAX_WAIT_MS,
        // As partners are waited for.
        patience: (error) =>
          error instanceof KeyhavenError && NOT_NOW.includes(error.code)
            ? DELIVERY_WAIT_DAYS * MS_PER_DAY
            : 0,
        ...(concurrency !== undefined && { concurrency }),
        handler: async ({ payload }) => {
          try {
            await service.issue(String(payload.request))
          } catch (error) {
            if (!(error instanceof KeyhavenError) || RETRIED.includes(error.code)) throw error
            const status = await service.status(String(payload.request))
            if (status?.state !== 'FAILED') throw error
          }
        },
      }),
  }
}
