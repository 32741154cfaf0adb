import type { AuthenticationStore } from '@keyhaven/identity/service'
import type { State } from '../../platform/state/state.ts'
import { createOtpRows } from './otp-rows.ts'
import { createPartnerRows } from './partner-rows.ts'
import { createRequestRows } from './request-rows.ts'

/** What an IDA keeps beside people's data, of one application. */
export function createAuthenticationStore(
  state: State,
  applicationId: string,
  clock: () => number,
): AuthenticationStore {
  return {
    ...createPartnerRows(state, applicationId),
    ...createRequestRows(state, applicationId, clock),
    ...createOtpRows(state, applicationId),
  }
}
