import type { KeyName } from './key-name.ts'
import { keyName } from './key-name.ts'

/** In whose HSM or database a key of ours is: the country's main system, or an IDA with its own. */
export type KeyRole = 'main' | 'ida'

/**
 * Where a private part lives. `module`: HSM, or wrapped by the master keyring; `database`: wrapped by its
 * parent; `pool`: wrapped by K9; `machine`: registration client's file or TPM; `partner`, `device`: never ours.
 */
export type KeyHolder = 'module' | 'database' | 'pool' | 'machine' | 'partner' | 'device'

/** A row of MOSIP's table of keys. */
export interface KeyEntry {
  readonly id: string
  readonly what: string
  readonly algorithm: 'RSA-2048' | 'AES-256'
  readonly holder: KeyHolder
  /** Undefined: of both. */
  readonly role?: KeyRole
  /** Undefined where MOSIP's table has dashes, or a name for each partner or machine. */
  readonly name?: KeyName
  /** Whose key signs the certificate (and, of base keys, wraps the private part). */
  readonly parent?: string
  /** Whether data is encrypted to it. */
  readonly encrypts?: boolean
  /** Whether it signs what callers ask for; certificates of its children it signs anyway. */
  readonly signs?: boolean
}

/** Years that a certificate is valid (docs.mosip.io, Key Manager): root, module, base. */
export const ROOT_VALIDITY_YEARS = 5
export const MODULE_VALIDITY_YEARS = 3
export const BASE_VALIDITY_YEARS = 2

const module = (id: string, role: KeyRole, what: string, name: KeyName, signs = true): KeyEntry => {
  const parent = role === 'main' ? 'K1' : 'K15'
  return { id, what, algorithm: 'RSA-2048', holder: 'module', role, name, parent, signs }
}
const base = (id: string, parent: string, what: string, name?: KeyName): KeyEntry => ({
  ...{ id, what, algorithm: 'RSA-2048', holder: 'database', parent, encrypts: true },
  role: parent === 'K16' ? 'ida' : 'main',
  ...(name && { name }),
})
const master = (id: string, role: KeyRole, what: string, name: KeyName): KeyEntry => ({
  ...{ id, what, algorithm: 'AES-256', holder: 'module', role, name },
})
const partner = (id: string, what: string): KeyEntry => ({
  ...{ id, what, algorithm: 'RSA-2048', holder: 'partner', encrypts: true },
})

/** MOSIP's table of keys, but for K13 (certificates of authorities) and K14 (of partners), which hold no key. */
export const KEY_TREE: readonly KeyEntry[] = [
  {
    ...{ id: 'K1', what: 'Kernel root', algorithm: 'RSA-2048', holder: 'module', role: 'main' },
    name: keyName('ROOT'),
  },
  module('K2', 'main', 'Registration', keyName('REGISTRATION')),
  module('K3', 'main', 'Pre-registration', keyName('PRE_REGISTRATION')),
  module('K4', 'main', 'Kernel signature', keyName('KERNEL', 'SIGN')),
  module('K5', 'main', 'Registration processor', keyName('REGISTRATION_PROCESSOR')),
  module('K6', 'main', 'Partner management', keyName('PMS')),
  module('K7', 'main', 'ID repository', keyName('ID_REPO')),
  base('K7.1', 'K7', 'Documents', keyName('ID_REPO', 'demographic_data')),
  base('K7.2', 'K7', 'Biometrics', keyName('ID_REPO', 'biometric_data')),
  base('K7.3', 'K7', 'Identity JSON', keyName('ID_REPO', 'identity_data')),
  base('K7.4', 'K7', 'UIN', keyName('ID_REPO', 'uin')),
  base('K7.5', 'K7', 'Credential request', keyName('ID_REPO', 'credential_request')),
  module('K8', 'main', 'Resident services', keyName('RESIDENT')),
  master('K9', 'main', 'Master key of the zero-knowledge pool', keyName('KERNEL', 'IDENTITY_CACHE')),
  { id: 'K10', what: 'Registration machine', algorithm: 'RSA-2048', holder: 'machine' },
  base('K11', 'K2', 'Packets of a centre’s machine'),
  {
    id: 'K12',
    what: 'Zero-knowledge pool',
    algorithm: 'AES-256',
    holder: 'pool',
    role: 'main',
    parent: 'K9',
  },
  {
    ...{ id: 'K15', what: 'IDA root', algorithm: 'RSA-2048', holder: 'module', role: 'ida' },
    name: keyName('ROOT'),
  },
  module('K16', 'ida', 'IDA', keyName('IDA')),
  module('K17', 'ida', 'IDA signature', keyName('IDA', 'SIGN')),
  master('K18', 'ida', 'IDA’s master key of zero-knowledge keys', keyName('IDA', 'IDENTITY_CACHE')),
  base('K19', 'K16', 'Internal authentication', keyName('IDA', 'INTERNAL')),
  base('K20', 'K16', 'Authentication requests of partners', keyName('IDA', 'PARTNER')),
  base('K21', 'K16', 'Biometrics from devices', keyName('IDA', 'FIR')),
  base('K22', 'K16', 'Zero-knowledge keys in transport', keyName('IDA', 'CRED_SERVICE')),
  partner('PK1', 'Deduplication (ABIS)'),
  { id: 'PK2', what: 'Device provider', algorithm: 'RSA-2048', holder: 'partner', signs: true },
  partner('PK3', 'Print'),
  partner('PK4', 'Relying party'),
  {
    id: 'PK5',
    what: 'Maker of trusted modules (FTM)',
    algorithm: 'RSA-2048',
    holder: 'partner',
    signs: true,
  },
  partner('PK6', 'Infrastructure provider (MISP)'),
  partner('PK7', 'Manual adjudication'),
  partner('PK8', 'IDA as a partner'),
  partner('PK9', 'Resident services as a partner'),
  {
    id: 'DKL0',
    what: 'Device without a trusted module',
    algorithm: 'RSA-2048',
    holder: 'device',
    signs: true,
  },
  { id: 'DKL1', what: 'Device with a trusted module', algorithm: 'RSA-2048', holder: 'device', signs: true },
  { id: 'FK1', what: 'Trusted module (FTM)', algorithm: 'RSA-2048', holder: 'device', signs: true },
]

/** Often named keys. */
export const KERNEL_SIGN: KeyName = keyName('KERNEL', 'SIGN')
export const IDA_SIGN: KeyName = keyName('IDA', 'SIGN')
/** K9 and K18. */
export const IDENTITY_CACHE: Readonly<Record<KeyRole, KeyName>> = {
  main: keyName('KERNEL', 'IDENTITY_CACHE'),
  ida: keyName('IDA', 'IDENTITY_CACHE'),
}

/** K11: `CENTRE_MACHINE`, five digits each unless a country sets other lengths. */
const MACHINE_REFERENCE = /^[A-Za-z0-9]{1,36}_[A-Za-z0-9]{1,36}$/
const REGISTRATION = 'REGISTRATION'

/** The table's row for a name of one of our own keys, in a role; undefined if it has none. */
export function findKeyEntry(role: KeyRole, { appId, refId }: KeyName): KeyEntry | undefined {
  const named = KEY_TREE.find(
    (entry) => entry.role === role && entry.name?.appId === appId && entry.name.refId === refId,
  )
  if (named !== undefined) return named
  const isMachine = role === 'main' && appId === REGISTRATION && MACHINE_REFERENCE.test(refId)
  return isMachine ? KEY_TREE.find(({ id }) => id === 'K11') : undefined
}

/** The row with this id. */
export function keyEntry(id: string): KeyEntry {
  const found = KEY_TREE.find((entry) => entry.id === id)
  if (found === undefined) throw new TypeError(`there is no key ${id}`)
  return found
}

/** Years that a new certificate of this row is valid. */
export function validityYears(entry: KeyEntry): number {
  if (entry.holder === 'database') return BASE_VALIDITY_YEARS
  return entry.parent === undefined ? ROOT_VALIDITY_YEARS : MODULE_VALIDITY_YEARS
}
