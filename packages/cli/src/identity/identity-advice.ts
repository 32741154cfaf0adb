import type { ErrorCode } from '@keyhaven/crypto'

type Advice = Partial<Readonly<Record<ErrorCode, string>>>

/** What the server answers where it has no such route, in place of naming what it did not find. */
const NO_ROUTE = 'There is nothing at this address'

const CERTIFICATE =
  'Give a certificate in its dates, RSA 2048 bits or more, not revoked, and signed by an authority that is ' +
  'trusted: first `keyhaven identity partners trust APPLICATION --domain AUTH --certificates FILE`, root and all.'

/** What to do about a code below a group of commands; the longest group that fits counts. */
const ADVICE_OF: Readonly<Record<string, Advice>> = {
  'identity keys': {
    NOT_FOUND:
      'See `keyhaven identity keys list APPLICATION` for names; a station’s key is REGISTRATION/CENTRE_MACHINE.',
  },
  ...Object.fromEntries(
    (['centres', 'machines', 'officers'] as const).map((group) => [
      `identity ${group}`,
      {
        NOT_FOUND: 'See `keyhaven identity centres list APPLICATION`, and `machines list`, `officers list`.',
        CONFLICT: `See \`keyhaven identity ${group} list APPLICATION\`: it is there already, or was ended.`,
      },
    ]),
  ),
  ...Object.fromEntries(
    (['registrations', 'uin', 'vid'] as const).map((group) => [
      `identity ${group}`,
      {
        NOT_FOUND:
          'See `keyhaven identity registrations list APPLICATION`: a UIN is there from stage UIN_GIVEN on.',
        CONFLICT: 'See `keyhaven identity uin show APPLICATION RID` for the present state.',
      },
    ]),
  ),
  'identity partners': {
    NOT_FOUND:
      'See `keyhaven identity partners list APPLICATION`; `partners show APPLICATION PARTNER` has the ids of ' +
      'subscriptions, certificates and keys, `policies list APPLICATION` policies and their groups.',
    CONFLICT:
      'See `keyhaven identity partners show APPLICATION PARTNER`: it is there or was decided already.',
    POLICY_REFUSED:
      'See `keyhaven identity partners show APPLICATION PARTNER`: it must be active and have an approved ' +
      'subscription to that policy.',
    CERTIFICATE_INVALID: CERTIFICATE,
    SIGNATURE_INVALID:
      'Give the statement that the key of the partner’s registered certificate signed, as `signEncryptionKey` or, ' +
      'of an IDA, `keyhaven auth partner-key --encryption-key` writes it.',
  },
  'identity policies': {
    NOT_FOUND: 'See `keyhaven identity policies list APPLICATION`.',
    CONFLICT:
      'See `keyhaven identity policies show APPLICATION POLICY`; `policies revise` writes the next version of ' +
      'one that is there, `publish` makes it count.',
  },
  'identity shares': { NOT_FOUND: 'See `keyhaven identity shares list APPLICATION --state live`.' },
  'identity events': {
    NOT_FOUND: 'See `keyhaven identity events list APPLICATION`; they are kept for 30 days.',
  },
  vault: {
    NOT_FOUND: 'See `keyhaven vault status` and `keyhaven vault conflicts`.',
    CONFLICT: 'See `keyhaven vault status`: what is there already is not made twice.',
  },
  auth: {
    NOT_FOUND: 'See `keyhaven auth partners`, `keyhaven auth limits`.',
    CONFLICT: 'See `keyhaven auth status`; another issuer’s root takes the place of that one with --replace.',
    CERTIFICATE_INVALID:
      'Give the issuer’s own root: `keyhaven identity keys certificate APPLICATION ROOT` at the issuer.',
  },
  'auth try': {
    CERTIFICATE_INVALID:
      'Do not go on: either `idaRoots` in the file of the party is not this IDA’s root, or it is not this IDA ' +
      'that answers. Compare with `keyhaven identity keys certificate APPLICATION ROOT` at the IDA.',
    SIGNATURE_INVALID:
      'Do not go on: it is not the IDA that answers whose root is in `idaRoots`. Ask its operator for its root.',
    UPSTREAM_FAILED: 'Check `url` in the file of the party: the identity API of an IDA, and that it runs.',
    WIRE_MALFORMED:
      'Check the file of the party: `certificate` and `privateKey` are PEM, RSA, of one pair; `encryptionKey` is base64url.',
    OPEN_FAILED:
      'The attributes are sealed to another key: check `privateKey`, in profile keyhaven `encryptionKey`.',
  },
}

/** Who has the routes of a group: for an answer that there are none. */
const WHO_HAS: Readonly<Record<string, string>> = {
  identity: 'It is for a server of role main with --identity-listen; `identity keys` for an IDA too.',
  vault: 'It is for a server with --identity-listen: some of it in role main only, some in role ida.',
  auth: 'It is for a server of role ida.',
}

/**
 * What to do about an error of a command of the identity capability.
 *
 * @param path - the command without `keyhaven`: `['identity', 'partners', 'approve']`.
 * @returns undefined where the advice for every command is right.
 */
export function identityAdvice(path: readonly string[], code: string, message: string): string | undefined {
  const [first = ''] = path
  if (code === 'NOT_FOUND' && message.includes(NO_ROUTE) && Object.hasOwn(WHO_HAS, first)) {
    return (
      `${WHO_HAS[first]} Name the address of its dashboard with --server, not its public or identity API, and ` +
      'its data folder with --data.'
    )
  }
  if (code === 'UPSTREAM_FAILED' && message.includes('oblivious PRF')) {
    return 'Check that the server of role oprf runs, and KEYHAVEN_OPRF_URL and KEYHAVEN_OPRF_TOKEN of this one.'
  }
  const groups = [path.slice(0, 2).join(' '), first]
  for (const group of groups) {
    const advice = Object.hasOwn(ADVICE_OF, group) ? ADVICE_OF[group]![code as ErrorCode] : undefined
    if (advice !== undefined) return advice
  }
  return undefined
}
