import type { Command } from 'commander'
import type { Page } from '../admin/admin-api.ts'
import { connectAdmin } from '../admin/admin-client.ts'
import { type ServerOptions, withServerOptions } from '../admin/server-options.ts'
import { usageError } from '../command-error.ts'
import { action, describe, type Frame } from '../frame.ts'
import { fields, table } from '../terminal/output.ts'
import { LIST_LIMIT_DEFAULT, parseLimit, showPage } from '../terminal/page.ts'

interface IdentityKey {
  readonly id: string
  readonly applicationId: string
  readonly referenceId: string
  readonly generation: number
  readonly state: string
  readonly thumbprint: string
  readonly notAfter: string
}

interface KeyCertificate {
  /** PEM. */
  readonly certificate: string
  readonly chain: readonly string[]
}

interface KeyPolicy {
  readonly applicationId: string
  readonly actors: readonly string[]
}

const APPLICATION = ['<application>', 'application that the identity listener serves'] as const
const NAME = ['<key>', 'APPLICATION_ID/REFERENCE_ID, or APPLICATION_ID alone, as MOSIP names it'] as const

/** `keyhaven identity keys`: MOSIP's tree of keys. */
export function identityKeysCommand(frame: Frame, identity: Command): void {
  const keys = describe(
    identity.command('keys'),
    'the key tree: root, module and base keys, their certificates',
    [
      ['keyhaven identity keys list demo', 'Every generation of every key'],
      ['keyhaven identity keys certificate demo ID_REPO/uin', 'A certificate as PEM'],
      ['keyhaven identity keys renew demo ID_REPO/uin', 'Make its next generation now'],
    ],
  )
  listCommand(frame, keys)
  certificateCommand(frame, keys)
  renewCommand(frame, keys)
  allowCommand(frame, keys)
}

function listCommand(frame: Frame, keys: Command): void {
  const list = describe(keys.command('list'), 'list the keys by name, each generation', [
    ['keyhaven identity keys list demo', 'A key is made when it is first used'],
  ])
    .argument(...APPLICATION)
    .option('--limit <number>', 'at most so many', LIST_LIMIT_DEFAULT)
    .option('--cursor <text>', 'go on where the list before ended')
  withServerOptions(list).action(
    action<ServerOptions & { limit: string; cursor?: string }>(
      frame,
      async ({ context, output, options, args }) => {
        using admin = await connectAdmin(context, options)
        const query = { limit: parseLimit(options.limit), cursor: options.cursor }
        const page = await admin.get<Page<IdentityKey>>(`${path(args[0]!)}/keys`, query)
        showPage(output, page, (items) =>
          table(
            [
              { heading: 'NO', cell: ({ id }) => id },
              { heading: 'KEY', cell: keyText },
              { heading: 'GENERATION', cell: ({ generation }) => generation, align: 'right' },
              { heading: 'STATE', cell: ({ state }) => state },
              { heading: 'ENDS', cell: ({ notAfter }) => notAfter },
              { heading: 'THUMBPRINT', cell: ({ thumbprint }) => thumbprint },
            ],
            items,
            'no keys yet: one is made when it is first used',
          ),
        )
        return undefined
      },
    ),
  )
}

function certificateCommand(frame: Frame, keys: Command): void {
  const certificate = describe(
    keys.command('certificate'),
    'write the certificate of a key as PEM; the key is made if there is none',
    [
      ['keyhaven identity keys certificate demo REGISTRATION/10001_10077', 'What a machine seals packets to'],
      ['keyhaven identity keys certificate demo KERNEL/SIGN --chain', 'With the certificates above it'],
    ],
  )
    .argument(...APPLICATION)
    .argument(...NAME)
    .option('--chain', 'also the certificates above it, the root last')
  withServerOptions(certificate).action(
    action<ServerOptions & { chain?: boolean }>(frame, async ({ context, output, options, args }) => {
      const query = nameOf(args[1]!)
      using admin = await connectAdmin(context, options)
      const found = await admin.get<KeyCertificate>(`${path(args[0]!)}/keys/certificate`, query)
      output.result(found, () =>
        [found.certificate, ...(options.chain ? found.chain : [])].join('').trimEnd(),
      )
      return undefined
    }),
  )
}

function renewCommand(frame: Frame, keys: Command): void {
  const renew = describe(
    keys.command('renew'),
    'make the next generation of a key now; the old one keeps opening and verifying',
    [['keyhaven identity keys renew demo ID_REPO/uin', 'Otherwise it happens 60 days before the end']],
  )
    .argument(...APPLICATION)
    .argument(...NAME)
  withServerOptions(renew).action(
    action<ServerOptions>(frame, async ({ context, output, options, args }) => {
      const body = nameOf(args[1]!)
      using admin = await connectAdmin(context, options)
      const made = await admin.call<KeyCertificate>('POST', `${path(args[0]!)}/keys/renew`, { body })
      output.result(made, () => made.certificate.trimEnd())
      return undefined
    }),
  )
}

function allowCommand(frame: Frame, keys: Command): void {
  const allow = describe(
    keys.command('allow'),
    'say which API tokens may decrypt and sign with the keys of an application id',
    [
      ['keyhaven identity keys allow demo ID_REPO repository packets', 'Two tokens by name, and no other'],
      ['keyhaven identity keys allow demo ID_REPO --everyone', 'Every token of a service again'],
    ],
  )
    .argument(...APPLICATION)
    .argument('<application-id>', 'first part of the keys’ names')
    .argument('[tokens...]', 'names of API tokens')
    .option('--everyone', 'every service')
  withServerOptions(allow).action(
    action<ServerOptions & { everyone?: boolean }>(frame, async ({ context, output, options, args }) => {
      const [application, applicationId, tokens] = args as unknown as [string, string, string[]]
      if ((options.everyone === true) === tokens.length > 0) {
        throw usageError('name API tokens, or give --everyone', '`keyhaven tokens list` shows their names.')
      }
      const body = { applicationId, actors: tokens.map((name) => `token:${name}`) }
      using admin = await connectAdmin(context, options)
      const policy = await admin.call<KeyPolicy>('PUT', `${path(application)}/key-policies`, { body })
      output.result(policy, () =>
        fields([
          ['keys of', policy.applicationId],
          ['may be used by', policy.actors.join(', ') || 'every service'],
        ]),
      )
      return undefined
    }),
  )
}

function path(application: string): string {
  return `/applications/${encodeURIComponent(application)}/identity`
}

function nameOf(text: string): { applicationId: string; referenceId: string } {
  const [applicationId = '', referenceId = '', more] = text.split('/')
  if (applicationId === '' || more !== undefined) {
    throw usageError(`"${text}" is no key`, 'Write APPLICATION_ID/REFERENCE_ID, for example ID_REPO/uin.')
  }
  return { applicationId, referenceId }
}

function keyText({ applicationId, referenceId }: IdentityKey): string {
  return referenceId === '' ? applicationId : `${applicationId}/${referenceId}`
}
