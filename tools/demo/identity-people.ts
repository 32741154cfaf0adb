import { backend, type KemKeyPair, type RsaPrivateKey } from '@keyhaven/crypto'
import { type Certificate, certificateToPem, issueCertificate, type JwsSigner } from '@keyhaven/identity'
import {
  createSimulatedDevice,
  createSimulatedTrust,
  type SimulatedDevice,
  type SimulatedTrust,
} from '@keyhaven/identity/simulator'

const KEY_BITS = 2_048
const DAY_MS = 86_400_000
const YEAR_MS = 365 * DAY_MS

/** Somebody who has a key, a certificate and, for profile `keyhaven`, a key that data is sealed to. */
export interface Holder {
  readonly name: string
  readonly organisation: string
  readonly key: RsaPrivateKey
  readonly certificate: Certificate
  readonly signer: JwsSigner
  readonly kem: KemKeyPair
}

/** Whoever there is besides the servers: the same in both profiles. */
export interface Cast {
  readonly authority: Holder
  readonly abis: Holder
  readonly print: Holder
  /** A relying party with every policy that it needs. */
  readonly bank: Holder
  /** One that nobody has approved. */
  readonly newcomer: Holder
  readonly misp: Holder
  readonly trust: SimulatedTrust
  /** L1, at the registration client and at the bank. */
  readonly finger: SimulatedDevice
  readonly face: SimulatedDevice
  /** K10 of the registration client. */
  readonly machineKey: RsaPrivateKey
}

/** Makes every key. */
export async function castOf(): Promise<Cast> {
  const at = Date.now() - DAY_MS
  const authority = await holderOf('Partner authority', 'Invented Authority', at)
  const of = (name: string, organisation: string) => holderOf(name, organisation, at, authority)
  const trust = await createSimulatedTrust(backend, { at })
  const device = (type: 'Finger' | 'Face') =>
    createSimulatedDevice(backend, { trust, type, level: 'L1', serialNo: `DEMO-${type}`, now: Date.now })
  const [abis, print, bank, newcomer, misp, finger, face, machineKey] = await Promise.all([
    of('abis-1', 'Invented ABIS'),
    of('print-1', 'Invented Printers'),
    of('bank-1', 'Bank of Inventions'),
    of('newcomer-1', 'Invented Newcomer'),
    of('misp-1', 'Invented Network'),
    device('Finger'),
    device('Face'),
    backend.rsa.generateKeyPair(KEY_BITS),
  ])
  return { authority, abis, print, bank, newcomer, misp, trust, finger, face, machineKey }
}

async function holderOf(name: string, organisation: string, at: number, issuer?: Holder): Promise<Holder> {
  const [key, kem] = await Promise.all([
    backend.rsa.generateKeyPair(KEY_BITS),
    backend.kem.generateKeyPair('x-wing'),
  ])
  const sign = async (data: Uint8Array) => backend.rsa.signPkcs1(key, data)
  const certificate = await issueCertificate({
    subject: { commonName: name, organisation },
    publicKey: key.publicKey,
    issuer: { certificate: issuer?.certificate, sign: issuer?.signer.sign ?? sign },
    notBefore: at,
    notAfter: at + YEAR_MS,
    ca: issuer === undefined,
    keyUsage: issuer === undefined ? ['keyCertSign'] : ['digitalSignature', 'keyEncipherment'],
  })
  return { name, organisation, key, kem, certificate, signer: { certificate, sign } }
}

/** PKCS#8, PEM. */
export async function privateKeyPem({ key }: Holder): Promise<string> {
  const pkcs8 = Buffer.from(await backend.rsa.exportPrivateKey(key)).toString('base64')
  return `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`
}

export function pemOf({ certificate }: Pick<Holder, 'certificate'>): string {
  return certificateToPem(certificate)
}
