import type { Command } from 'commander'
import { describe, type Frame } from '../frame.ts'
import { readInput } from '../input/read-input.ts'
import { describeDetails, describePartner } from './describe-partner.ts'
import { identityPath, type Partner, type PartnerDetails } from './identity-api.ts'
import { identityAction, identityList, noOptions, reasonOption } from './identity-command.ts'
import { keyCommands, subscriptionCommands } from './partner-access-commands.ts'
import { PARTNER } from './partner-argument.ts'
import { certificateCommands } from './partner-certificate-commands.ts'
import { authoritiesCommand, endingCommands } from './partner-end-commands.ts'

/** `keyhaven identity partners`. */
export function identityPartnersCommand(frame: Frame, identity: Command): void {
  const partners = describe(
    identity.command('partners'),
    'partners: certificates, what they asked for and may have, their keys',
    [
      ['keyhaven identity partners list demo --state requested', 'Who waits to be let in'],
      ['keyhaven identity partners show demo shop', 'One with all that it has'],
    ],
  )
  identityList<Partner>(frame, partners, {
    path: 'partners',
    summary: 'list the partners, by id',
    examples: [['keyhaven identity partners list demo', 'All of them']],
    states: ['requested', 'active', 'inactive'],
    columns: [
      { heading: 'ID', cell: ({ id }) => id },
      { heading: 'TYPE', cell: ({ type }) => type },
      { heading: 'ORGANISATION', cell: ({ organisation }) => organisation },
      { heading: 'PROFILE', cell: ({ profile }) => profile },
      { heading: 'STATE', cell: ({ state }) => state },
    ],
    empty: 'no partners',
  })
  showCommand(frame, partners)
  registerCommand(frame, partners)
  stateCommands(frame, partners)
  certificateCommands(frame, partners)
  authoritiesCommand(frame, partners)
  subscriptionCommands(frame, partners)
  keyCommands(frame, partners)
  endingCommands(frame, partners)
  webhookCommand(frame, partners)
}

function showCommand(frame: Frame, partners: Command): void {
  identityAction(
    frame,
    partners,
    {
      ...{ name: 'show', summary: 'show a partner: certificates, subscriptions, keys', arguments: [PARTNER] },
      examples: [['keyhaven identity partners show demo shop', 'Never a key itself: only hashes are kept']],
    },
    noOptions,
    async ({ output, args }, admin) => {
      const found = await admin.get<PartnerDetails>(identityPath(args[0]!, 'partners', args[1]!))
      output.result(found, () => describeDetails(found))
    },
  )
}

interface RegisterOptions {
  readonly type: string
  readonly organisation: string
  readonly group?: string
  readonly profile?: string
}

function registerCommand(frame: Frame, partners: Command): void {
  identityAction<RegisterOptions>(
    frame,
    partners,
    {
      ...{ name: 'register', summary: 'register a partner; it gets nothing before it is active' },
      arguments: [PARTNER],
      examples: [
        [
          'keyhaven identity partners register demo shop --type Auth_Partner --organisation "Shop Ltd" --group shops',
          'Then its certificate, a policy, and `activate`',
        ],
      ],
    },
    (command) =>
      command
        .requiredOption('--type <type>', 'as MOSIP names it: Auth_Partner, Print_Partner, ABIS_Partner …')
        .requiredOption('--organisation <name>', 'as its certificate names it (O=)')
        .option('--group <id>', 'policy group; types without policies have none')
        .option('--profile <profile>', 'mosip or keyhaven; else the server’s'),
    async ({ output, options, args }, admin) => {
      const { type, organisation, group: groupId, profile } = options
      const body = { id: args[1]!, type, organisation, groupId, profile }
      const made = await admin.call<Partner>('POST', identityPath(args[0]!, 'partners'), { body })
      output.result(made, () => describePartner(made))
    },
  )
}

function stateCommands(frame: Frame, partners: Command): void {
  for (const [name, active, summary] of [
    ['activate', true, 'let a partner have what was approved'],
    ['deactivate', false, 'refuse a partner everything, from its next call on'],
  ] as const) {
    identityAction<{ reason: string }>(
      frame,
      partners,
      {
        ...{ name, summary, arguments: [PARTNER] },
        examples: [[`keyhaven identity partners ${name} demo shop --reason "contract 7"`, 'At once']],
      },
      reasonOption,
      async ({ output, options, args }, admin) => {
        const path = identityPath(args[0]!, 'partners', args[1]!, 'state')
        const changed = await admin.call<Partner>('POST', path, { body: { active, reason: options.reason } })
        output.result(changed, () => describePartner(changed))
      },
    )
  }
}

function webhookCommand(frame: Frame, partners: Command): void {
  identityAction<{ url: string; secretFile?: string }>(
    frame,
    partners,
    {
      ...{
        name: 'webhook',
        summary: 'say where a partner’s events go; what was kept is sent then',
        arguments: [PARTNER],
      },
      examples: [
        [
          'keyhaven identity partners webhook demo printer --url https://printer.example/events',
          'Signed, in order',
        ],
      ],
    },
    (command) =>
      command
        .requiredOption('--url <url>', 'https; empty: nowhere')
        .option('--secret-file <file>', 'file with the secret of X-Hub-Signature; - for stdin'),
    async ({ context, output, options, args }, admin) => {
      const secret = options.secretFile === undefined ? null : await readInput(context, options.secretFile)
      const path = identityPath(args[0]!, 'partners', args[1]!, 'webhook')
      const changed = await admin.call<Partner>('POST', path, { body: { url: options.url, secret } })
      output.result(changed, () => describePartner(changed))
    },
  )
}
