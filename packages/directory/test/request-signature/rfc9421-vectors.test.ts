import { readFileSync } from 'node:fs'
import { type CryptoBackend, fromBase64url, fromUtf8, utf8 } from '@keyhaven/crypto'
import { nobleBackend } from '@keyhaven/crypto/noble'
import { nodeBackend } from '@keyhaven/crypto/node'
import { webBackend } from '@keyhaven/crypto/web'
import { describe, expect, test } from 'vitest'
import {
  type CoveredComponent,
  type SignatureParameters,
  type SignedMessage,
  signatureBase,
} from '../../src/request-signature/signature-base.ts'
import { parseBytes, serializeBytes } from '../../src/request-signature/structured-field.ts'

interface VectorFile {
  readonly keys: Readonly<Record<string, { readonly blocks: readonly string[] }>>
  readonly test_request: string
  readonly test_response: string
  readonly cases: ReadonlyArray<{
    readonly title: string
    readonly signature_base: string
    readonly headers: string
  }>
}

const file = new URL('../../../../vectors/http-signatures/rfc9421-appendix-b.json', import.meta.url)
const vectors = JSON.parse(readFileSync(file, 'utf8')) as VectorFile

const request = requestOf(vectors.test_request)
const response = responseOf(vectors.test_response)

interface Case {
  readonly message: SignedMessage
  readonly components: readonly CoveredComponent[]
  readonly parameters: SignatureParameters
}

const CREATED = ['created', 1_618_884_473] as const
const cases: Readonly<Record<string, Case>> = {
  'Minimal Signature Using rsa-pss-sha512': {
    message: request,
    components: [],
    parameters: [CREATED, ['keyid', 'test-key-rsa-pss'], ['nonce', 'b3k2pp5k7z-50gnwp.yemd']],
  },
  'Selective Covered Components using rsa-pss-sha512': {
    message: request,
    components: ['@authority', 'content-digest', { queryParam: 'Pet' }],
    parameters: [CREATED, ['keyid', 'test-key-rsa-pss'], ['tag', 'header-example']],
  },
  'Full Coverage using rsa-pss-sha512': {
    message: request,
    components: [
      'date',
      '@method',
      '@path',
      '@query',
      '@authority',
      'content-type',
      'content-digest',
      'content-length',
    ],
    parameters: [CREATED, ['keyid', 'test-key-rsa-pss']],
  },
  'Signing a Response using ecdsa-p256-sha256': {
    // The RFC signs the digest of the body with its line break, and prints the digest without it.
    message: withDigest(
      response,
      'sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:',
    ),
    components: ['@status', 'content-type', 'content-digest', 'content-length'],
    parameters: [CREATED, ['keyid', 'test-key-ecc-p256']],
  },
  'Signing a Request using hmac-sha256': {
    message: request,
    components: ['date', '@authority', 'content-type'],
    parameters: [CREATED, ['keyid', 'test-shared-secret']],
  },
  'Signing a Request using ed25519': {
    message: request,
    components: ['date', '@method', '@path', '@authority', 'content-type', 'content-length'],
    parameters: [CREATED, ['keyid', 'test-key-ed25519']],
  },
}

test('every case of RFC 9421 appendix B is here', () => {
  expect(vectors.cases.map(({ title }) => title).sort()).toEqual(Object.keys(cases).sort())
})

test.each(vectors.cases)('signature base: $title', ({ title, signature_base }) => {
  const { message, components, parameters } = cases[title]!
  expect(fromUtf8(signatureBase(message, components, parameters))).toBe(signature_base)
})

const backends: readonly CryptoBackend[] = [nodeBackend, webBackend, nobleBackend]
describe.each(backends)('$name', (backend) => {
  test('makes the signature of the Ed25519 case, and verifies it', async () => {
    const { base, signature } = prepared('Signing a Request using ed25519')
    const key = await backend.signatures.importSigningKey('EdDSA', jwkOf('test-key-ed25519'))
    expect(serializeBytes(await backend.signatures.sign(key, base))).toBe(serializeBytes(signature))
    expect(await backend.signatures.verify(key.publicKey, signature, base)).toBe(true)
  })

  test('verifies the signature of the P-256 case', async () => {
    const { base, signature } = prepared('Signing a Response using ecdsa-p256-sha256')
    const jwk = jwkOf('Example ECC P-256 Test Key {#example-key-ecc-p256}')
    const key = await backend.signatures.importVerifyKey('ES256', jwk)
    expect(await backend.signatures.verify(key, signature, base)).toBe(true)
  })

  test('makes the tag of the HMAC case', async () => {
    const { base, signature } = prepared('Signing a Request using hmac-sha256')
    const secret = parseBytes(`:${vectors.keys['test-shared-secret']!.blocks[0]}:`)
    expect(serializeBytes(await backend.hmacSha256(secret, base))).toBe(serializeBytes(signature))
  })
})

function prepared(title: string): { base: Uint8Array; signature: Uint8Array } {
  const { message, components, parameters } = cases[title]!
  const { headers } = vectors.cases.find((vector) => vector.title === title)!
  const text = /^Signature: [\w-]+=(:.*:)$/m.exec(headers)![1]!
  return { base: signatureBase(message, components, parameters), signature: parseBytes(text) }
}

function jwkOf(name: string): Record<string, string> {
  const blocks = vectors.keys[name]!.blocks
  return JSON.parse(blocks.find((block) => block.startsWith('{'))!)
}

function requestOf(text: string): SignedMessage {
  const { first, fields } = messageOf(text)
  const [method, target] = first.split(' ') as [string, string]
  const [path, query] = target.split('?') as [string, string]
  const authority = fields.find(([name]) => name === 'Host')![1].trim()
  return { method, authority, path, query: `?${query}`, fields }
}

function responseOf(text: string): SignedMessage {
  const { first, fields } = messageOf(text)
  return { status: Number(first.split(' ')[1]), fields }
}

function messageOf(text: string): { first: string; fields: [string, string][] } {
  const [first, ...lines] = text.split('\n\n')[0]!.split('\n') as [string, ...string[]]
  return {
    first,
    fields: lines.map((line): [string, string] => {
      const at = line.indexOf(':')
      return [line.slice(0, at), line.slice(at + 1)]
    }),
  }
}

function withDigest(message: SignedMessage, digest: string): SignedMessage {
  const others = message.fields.filter(([name]) => name !== 'Content-Digest')
  return { ...message, fields: [...others, ['Content-Digest', digest]] }
}

test('byte sequences have one text', () => {
  expect(serializeBytes(utf8('a'))).toBe(':YQ==:')
  expect(parseBytes('::')).toEqual(fromBase64url(''))
  for (const text of [
    ':YQ:',
    ':YQ=:',
    ':YR==:',
    ':YQ===:',
    'YQ==',
    ':YQ==',
    ':Y-==:',
    ': YQ==:',
    ':YWI==:',
  ]) {
    expect(() => parseBytes(text), text).toThrow(expect.objectContaining({ code: 'WIRE_MALFORMED' }))
  }
})

describe('a signature base', () => {
  const base = (message: SignedMessage, components: CoveredComponent[]) =>
    fromUtf8(signatureBase(message, components, [])).split('\n')[0]
  const codeOf = (message: SignedMessage, components: CoveredComponent[]) => {
    try {
      return base(message, components)
    } catch (error) {
      return (error as { code: string }).code
    }
  }

  test('writes a query that is not there as a question mark', () => {
    expect(base({ query: '', fields: [] }, ['@query'])).toBe('"@query": ?')
  })

  test('joins the values of a field that comes twice', () => {
    const fields = [
      ['A', ' one '],
      ['a', 'two'],
    ] as const
    expect(base({ fields }, ['a'])).toBe('"a": one, two')
  })

  test('encodes a query parameter again, and needs it once', () => {
    const query =
      '?var=this%20is%20a%20big%0Amultiline%20value&fa%C3%A7ade%22%3A%20=something&twice=1&twice=2'
    expect(base({ query, fields: [] }, [{ queryParam: 'var' }])).toBe(
      '"@query-param";name="var": this%20is%20a%20big%0Amultiline%20value',
    )
    expect(base({ query, fields: [] }, [{ queryParam: 'fa%C3%A7ade%22%3A%20' }])).toBe(
      '"@query-param";name="fa%C3%A7ade%22%3A%20": something',
    )
    expect(codeOf({ query, fields: [] }, [{ queryParam: 'twice' }])).toBe('SIGNATURE_INVALID')
  })

  test('refuses what the message does not have, a component twice, a line break, another kind', () => {
    expect(codeOf({ fields: [] }, ['@method'])).toBe('SIGNATURE_INVALID')
    expect(codeOf({ fields: [] }, ['a'])).toBe('SIGNATURE_INVALID')
    expect(codeOf({ fields: [['a', '1']] }, ['a', 'a'])).toBe('SIGNATURE_INVALID')
    expect(codeOf({ fields: [['a', '1\n"b": 2']] }, ['a'])).toBe('SIGNATURE_INVALID')
    expect(codeOf({ fields: [] }, ['@request-target'])).toBe('UNSUPPORTED')
    expect(codeOf({ fields: [['A', '1']] }, ['A'])).toBe('UNSUPPORTED')
  })
})
