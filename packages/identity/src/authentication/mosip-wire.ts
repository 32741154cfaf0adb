import { backend, equalConstantTime, KeyhavenError } from '@keyhaven/crypto'
import type { SessionKeyOpener } from '../mosip/session-key.ts'
import type { AuthRequestBody, OtpRequestBody } from './auth-messages.ts'
import { AUTH_REQUEST_IDS, AUTH_VERSION } from './auth-messages.ts'
import { openKycIdentity } from './open-kyc.ts'
import type { RelyingPartyContext, RelyingPartyWire, RequestHead } from './relying-party-wire.ts'
import { fetchFromIda, keptForAnHour } from './relying-party-wire.ts'
import { sealAuthClaims } from './seal-auth-request.ts'

/** Where MOSIP's IDA gives out the certificate of K20. */
const CERTIFICATE_PATH = 'internal/getCertificate?applicationId=IDA&referenceId=PARTNER'

/** The requests of MOSIP 1.2. */
export function mosipWire(context: RelyingPartyContext): RelyingPartyWire {
  const { options, clock, trust, certificate, privateKey } = context
  const recipient = keptForAnHour(clock, async () => {
    const pem = options.idaCertificate ?? (await fetchCertificate(context))
    return trust.recipientOf(pem)
  })
  const keys: SessionKeyOpener = {
    open: async (thumbprint, wrapped) => {
      if (thumbprint !== undefined && !equalConstantTime(thumbprint, certificate.thumbprint)) {
        throw new KeyhavenError('OPEN_FAILED', 'it is for another certificate')
      }
      return backend.rsa.decryptOaep(privateKey, wrapped)
    },
  }
  return {
    async request(kind, head, claims, { consent, attributes }): Promise<AuthRequestBody> {
      return {
        ...commonOf(AUTH_REQUEST_IDS[kind], head),
        requestedAuth: {
          otp: claims.otp !== undefined,
          demo: claims.demographics !== undefined,
          bio: claims.biometrics !== undefined,
        },
        consentObtained: consent,
        ...(options.env === undefined ? {} : { env: options.env }),
        ...(options.domainUri === undefined ? {} : { domainUri: options.domainUri }),
        ...(attributes === undefined ? {} : { allowedKycAttributes: attributes }),
        ...(await sealAuthClaims(await recipient(), claims)),
      }
    },
    otp: async (head, otpChannel): Promise<OtpRequestBody> => ({
      ...commonOf(AUTH_REQUEST_IDS.otp, head),
      otpChannel,
    }),
    openKyc: (_head, response) => openKycIdentity(keys, response),
  }
}

function commonOf(id: string, { transactionId, requestTime, id: individualId, idType }: RequestHead) {
  return {
    id,
    version: AUTH_VERSION,
    transactionID: transactionId,
    requestTime,
    individualId,
    individualIdType: idType,
  }
}

/** The certificate and, where the server gives them, those above it. */
async function fetchCertificate(context: RelyingPartyContext): Promise<string> {
  const { response } = await fetchFromIda<{
    response?: { certificate?: string; chain?: readonly string[] } | null
  }>(context, CERTIFICATE_PATH)
  if (typeof response?.certificate !== 'string') {
    throw new KeyhavenError('UPSTREAM_FAILED', 'IDA gives out no certificate')
  }
  return [response.certificate, ...(response.chain ?? [])].join('\n')
}
