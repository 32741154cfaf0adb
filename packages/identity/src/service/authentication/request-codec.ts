import type { AuthKind, KycResponse } from '../../authentication/auth-messages.ts'
import type { Caller } from './check-caller.ts'
import type { Json, OpenedRequest } from './opened-request.ts'

/** How one profile reads requests and writes eKYC answers: no decoder tries the other's. */
export interface RequestCodec {
  /**
   * @param partnerId - undefined for internal use.
   * @throws IdaRefusal; whatever does not decrypt is the one refusal of {@link undecryptable}.
   */
  open(kind: AuthKind, body: Json, partnerId: string | undefined, now: number): Promise<OpenedRequest>
  /** Encrypts attributes for the partner. @throws IdaRefusal if it has no key for it. */
  sealKyc(
    caller: Caller,
    request: OpenedRequest,
    identity: Readonly<Record<string, unknown>>,
  ): Promise<Pick<KycResponse, 'sessionKey' | 'identity' | 'thumbprint'>>
}
