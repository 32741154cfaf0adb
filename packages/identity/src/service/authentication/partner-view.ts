import { fromBase64url, toHex } from '@keyhaven/crypto'
import type { PartnerUpdate } from '../../authentication/partner-update.ts'
import type { DeviceTrust } from '../../device/device-trust.ts'
import type { PartnerDomain, PartnerType } from '../../partners/partner-types.ts'
import type { Certificate } from '../../x509/certificate.ts'
import { parseCertificate } from '../../x509/parse-certificate.ts'
import type { AuthenticationStore } from './ports.ts'

const PROVIDERS: readonly PartnerType[] = ['Device_Provider', 'FTM_Provider']

/** A partner with its certificates parsed. */
export interface KnownPartner {
  readonly update: PartnerUpdate
  readonly certificate: Certificate | undefined
  readonly chain: readonly Certificate[]
}

export interface DomainAuthorities {
  readonly anchors: readonly Certificate[]
  readonly intermediates: readonly Certificate[]
}

/** Everything that IDA knows of partners at one moment. */
export interface PartnerSnapshot {
  partner(id: string): KnownPartner | undefined
  /** The MISP that has the licence key. @param hash - SHA-256 of the key, hex. */
  licensed(hash: string): KnownPartner | undefined
  /** Those that are active; a chain ends at a root, so that whoever stands between is looked at, too. */
  authorities(domain: PartnerDomain): DomainAuthorities
  revoked(certificate: Certificate): boolean
  /** Whether it is the certificate of an active partner that may have people looked up. */
  asks(certificate: Certificate): boolean
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
  const live = new Map<PartnerDomain, Certificate[]>()
  const revoked = new Set(authorities?.revoked)
  for (const { domain, der, active } of authorities?.authorities ?? []) {
    const certificate = parseCertificate(fromBase64url(der))
    if (!active) revoked.add(toHex(certificate.thumbprint))
    else live.set(domain, [...(live.get(domain) ?? []), certificate])
  }
  const authoritiesOf = (domain: PartnerDomain) => {
    const [anchors = [], intermediates = []] = byRoot(live.get(domain) ?? [])
    return { anchors, intermediates }
  }
  const ended = endedProviders(updates)
  const asking = new Set<string>()
  for (const { update, certificate } of partners.values()) {
    const { type, active } = update.partner
    if (type === 'Auth_Partner' && active && certificate) asking.add(toHex(certificate.thumbprint))
  }
  const isRevoked = (certificate: Certificate) => revoked.has(toHex(certificate.thumbprint))
  return {
    partner: (id) => partners.get(id),
    licensed: (hash) => licences.get(hash),
    authorities: authoritiesOf,
    revoked: isRevoked,
    asks: ({ thumbprint }) => asking.has(toHex(thumbprint)),
    deviceTrust: {
      ...{ device: authoritiesOf('DEVICE').anchors, ftm: authoritiesOf('FTM').anchors },
      intermediates: [...authoritiesOf('DEVICE').intermediates, ...authoritiesOf('FTM').intermediates],
      revoked: (certificate) =>
        isRevoked(certificate) || certificate.organisations.some((name) => ended.has(name)),
    },
  }
}

/** @returns roots, then the others. */
function byRoot(certificates: readonly Certificate[]): Certificate[][] {
  const isRoot = ({ subject, issuer }: Certificate) => subject === issuer
  return [certificates.filter(isRoot), certificates.filter((one) => !isRoot(one))]
}

/** Organisations whose devices count no more: of a provider that was made inactive, and of no other one. */
function endedProviders(updates: readonly PartnerUpdate[]): ReadonlySet<string> {
  const providers = updates.filter(({ partner }) => PROVIDERS.includes(partner.type))
  const organisations = (active: boolean) =>
    new Set(
      providers.filter(({ partner }) => partner.active === active).map(({ partner }) => partner.organisation),
    )
  return organisations(false).difference(organisations(true))
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
