import { fromBase64url, toHex } from '@keyhaven/crypto'
import type { PartnerUpdate } from '../../authentication/partner-update.ts'
import type { DeviceTrust } from '../../device/device-trust.ts'
import type { PartnerDomain } from '../../partners/partner-types.ts'
import type { Certificate } from '../../x509/certificate.ts'
import { parseCertificate } from '../../x509/parse-certificate.ts'
import type { AuthenticationStore } from './ports.ts'

/** A partner with its certificates parsed. */
export interface KnownPartner {
  readonly update: PartnerUpdate
  readonly certificate: Certificate | undefined
  readonly chain: readonly Certificate[]
}

/** Everything that IDA knows of partners at one moment. */
export interface PartnerSnapshot {
  partner(id: string): KnownPartner | undefined
  /** The MISP that has the licence key. @param hash - SHA-256 of the key, hex. */
  licensed(hash: string): KnownPartner | undefined
  anchors(domain: PartnerDomain): readonly Certificate[]
  revoked(certificate: Certificate): boolean
  readonly deviceTrust: DeviceTrust
}

/** Keeps a snapshot in memory until something changes: a request reads no partner from the database. */
export interface PartnerView {
  /** @throws KeyhavenError `STORE_UNAVAILABLE`: without news for a second nobody is let in. */
  current(): Promise<PartnerSnapshot>
}

export function createPartnerView(
  store: Pick<AuthenticationStore, 'partners' | 'authorities' | 'onChange' | 'confirmFresh'>,
): PartnerView {
  let known: Promise<PartnerSnapshot> | undefined
  store.onChange(() => {
    known = undefined
  })
  return {
    async current() {
      await store.confirmFresh()
      if (known !== undefined) return known
      const loading = load(store)
      known = loading
      loading.catch(() => {
        if (known === loading) known = undefined
      })
      return loading
    },
  }
}

async function load(store: Pick<AuthenticationStore, 'partners' | 'authorities'>): Promise<PartnerSnapshot> {
  const [updates, authorities] = await Promise.all([store.partners(), store.authorities()])
  const partners = new Map<string, KnownPartner>()
  const licences = new Map<string, KnownPartner>()
  for (const update of updates) {
    const partner = known(update)
    partners.set(update.partner.id, partner)
    for (const { hash } of update.licences) licences.set(hash, partner)
  }
  const anchors = new Map<PartnerDomain, Certificate[]>()
  const revoked = new Set(authorities?.revoked)
  for (const { domain, der, active } of authorities?.authorities ?? []) {
    const certificate = parseCertificate(fromBase64url(der))
    if (!active) revoked.add(toHex(certificate.thumbprint))
    else anchors.set(domain, [...(anchors.get(domain) ?? []), certificate])
  }
  const anchorsOf = (domain: PartnerDomain) => anchors.get(domain) ?? []
  const isRevoked = (certificate: Certificate) => revoked.has(toHex(certificate.thumbprint))
  return {
    partner: (id) => partners.get(id),
    licensed: (hash) => licences.get(hash),
    anchors: anchorsOf,
    revoked: isRevoked,
    deviceTrust: { device: anchorsOf('DEVICE'), ftm: anchorsOf('FTM'), revoked: isRevoked },
  }
}

function known(update: PartnerUpdate): KnownPartner {
  const { certificate } = update
  const parse = (der: string) => parseCertificate(fromBase64url(der))
  return {
    update,
    certificate: certificate === null ? undefined : parse(certificate.der),
    chain: certificate === null ? [] : certificate.chain.map(parse),
  }
}
