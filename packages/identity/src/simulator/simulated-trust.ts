import type { CryptoBackend, RsaPrivateKey } from '@keyhaven/crypto'
import type { JwsSigner } from '../mosip/jws.ts'
import type { Certificate, KeyUsageName } from '../x509/certificate.ts'
import { issueCertificate } from '../x509/issue-certificate.ts'

const YEAR_MS = 365 * 86_400_000
const AUTHORITY_YEARS = 5
const DEVICE_YEARS = 2
const COUNTRY = 'XX'

/** A key with its certificate and what stands above it. */
export interface SimulatedSigner extends JwsSigner {
  readonly certificate: Certificate
  readonly chain: readonly Certificate[]
}

/** Simulated providers of devices and of trusted chips, each with an authority of its own above it. */
export interface SimulatedTrust {
  readonly deviceProvider: SimulatedSigner
  readonly ftmProvider: SimulatedSigner
  /** The authorities: what a country would have in its list. */
  readonly anchors: { readonly device: readonly Certificate[]; readonly ftm: readonly Certificate[] }
  /** A certificate for a new key of the provider, valid from now. */
  issue(provider: 'device' | 'ftm', commonName: string, at?: number): Promise<SimulatedSigner>
}

export interface SimulatedTrustOptions {
  /** Milliseconds since the epoch. */
  readonly at: number
  /** Makes or lends the keys. @defaultValue new RSA-2048 keys */
  readonly newKey?: () => Promise<RsaPrivateKey>
}

/** Makes the trust chain of simulated devices: authority, provider, and below it device keys or chip keys. */
export async function createSimulatedTrust(
  backend: CryptoBackend,
  { at, newKey = () => backend.rsa.generateKeyPair(2048) }: SimulatedTrustOptions,
): Promise<SimulatedTrust> {
  const make = async (
    commonName: string,
    issuer: SimulatedSigner | undefined,
    years: number,
    from: number,
    keyUsage: readonly KeyUsageName[],
  ): Promise<SimulatedSigner> => {
    const key = await newKey()
    const sign = (data: Uint8Array) => backend.rsa.signPkcs1(key, data)
    const certificate = await issueCertificate({
      subject: {
        commonName: `${commonName} (simulated)`,
        organisation: 'Keyhaven simulator',
        country: COUNTRY,
      },
      publicKey: key.publicKey,
      issuer: { certificate: issuer?.certificate, sign: issuer ? issuer.sign : sign },
      notBefore: from,
      notAfter: from + years * YEAR_MS,
      ca: keyUsage.includes('keyCertSign'),
      keyUsage,
    })
    return { sign, certificate, chain: issuer ? [issuer.certificate, ...issuer.chain] : [] }
  }
  const authority = (name: string, issuer?: SimulatedSigner): Promise<SimulatedSigner> =>
    make(name, issuer, AUTHORITY_YEARS, at, ['keyCertSign', 'cRLSign'])
  const deviceRoot = await authority('Device authority')
  const ftmRoot = await authority('FTM authority')
  const providers = {
    device: await authority('Device provider', deviceRoot),
    ftm: await authority('FTM provider', ftmRoot),
  }
  return {
    deviceProvider: providers.device,
    ftmProvider: providers.ftm,
    anchors: { device: [deviceRoot.certificate], ftm: [ftmRoot.certificate] },
    issue: (provider, commonName, from = at) =>
      make(commonName, providers[provider], DEVICE_YEARS, from, ['digitalSignature']),
  }
}
