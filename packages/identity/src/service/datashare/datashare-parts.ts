import type { CryptoBackend } from '@keyhaven/crypto'
import type { BiometricMatcher } from '../../biometrics/biometric-matcher.ts'
import type { JwsSigner } from '../../mosip/jws.ts'
import type { PolicyLimits } from '../../policy/parse-policy.ts'
import type { ShareObjects, ShareStore } from './ports.ts'

export interface DatashareParts {
  readonly backend: CryptoBackend
  readonly applicationId: string
  readonly store: ShareStore
  readonly objects: ShareObjects
  /** KERNEL/SIGN. */
  readonly signer: () => Promise<JwsSigner>
  readonly limits: PolicyLimits
  /** In front of `/get/…`: `https://id.example.org/v1/datashare`. */
  readonly url: () => string
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  /** Makes templates for policies that let out no images. */
  readonly extract?: BiometricMatcher['extract']
}

/** Name of the object that holds a share's bytes. */
export function objectName(applicationId: string, shareId: string): string {
  return `shares/${applicationId}/${shareId}`
}
