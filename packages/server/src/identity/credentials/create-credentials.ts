import { randomUUID } from 'node:crypto'
import { backend, KeyhavenError } from '@keyhaven/crypto'
import { type IdentityKeys, type JwsSigner, keyName, signDetachedJws } from '@keyhaven/identity'
import {
  type CredentialService,
  type CredentialServiceOptions,
  createCredentialService,
  DELIVERY_MAX_WAIT_MS,
  DELIVERY_WAIT_DAYS,
  type EventPublisher,
  WAITED_FOR,
} from '@keyhaven/identity/service'
import type { JobRunner } from '../../platform/jobs/job.ts'
import type { Jobs } from '../../platform/jobs/jobs.ts'
import type { State, StateTransaction } from '../../platform/state/state.ts'
import { CREDENTIAL_QUEUE, createCredentialStore } from './credential-store.ts'

/** K7.5. */
const CREDENTIAL_REQUEST = keyName('ID_REPO', 'credential_request')
/** Tried again by itself only where that can help; what needs a person is `FAILED` at once. */
const RETRIED: readonly string[] = [...WAITED_FOR, 'UPSTREAM_REFUSED', 'STORE_UNAVAILABLE', 'CONFLICT']
const MS_PER_DAY = 86_400_000

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
        maxBackoff: DELIVERY_MAX_WAIT_MS,
        // The oblivious PRF, or the Bio-SDK service, cannot be asked now: waited for as partners are.
        patience: (error) =>
          error instanceof KeyhavenError && WAITED_FOR.includes(error.code)
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
