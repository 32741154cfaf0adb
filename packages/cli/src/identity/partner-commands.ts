import type { Command } from 'commander'
import { describe, type Frame } from '../frame.ts'
import { parseWhole } from '../input/parse-time.ts'
import { readInput } from '../input/read-input.ts'
import { fields, table } from '../terminal/output.ts'
import {
  identityPath,
  type Partner,
  type PartnerCertificate,
  type PartnerDetails,
  type PartnerKey,
  type Subscription,
} from './identity-api.ts'
import { identityAction, identityList, noOptions, reasonOption } from './identity-command.ts'

const PARTNER = ['<partner>', 'partner id'] as const
const SUBSCRIPTION = ['<subscription>', 'id, as `keyhaven identity partners show` shows it'] as const
/** As the server has it. */
const KEY_DAYS_MAX = 1_826

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
  subscriptionCommands(frame, partners)
  keyCommands(frame, partners)
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

function certificateCommands(frame: Frame, partners: Command): void {
  identityAction<{ certificate: string }>(
    frame,
    partners,
    {
      ...{
        name: 'certificate',
        summary: 'upload a partner’s certificate; chain, dates, size, use and owner are checked',
      },
      arguments: [PARTNER],
      examples: [
        [
          'keyhaven identity partners certificate demo shop --certificate shop.pem',
          'In place of the one before',
        ],
      ],
    },
    (command) => command.requiredOption('--certificate <file>', 'one certificate, PEM; - for stdin'),
    async ({ context, output, options, args }, admin) => {
      const pem = await readInput(context, options.certificate)
      const path = identityPath(args[0]!, 'partners', args[1]!, 'certificate')
      const made = await admin.call<PartnerCertificate>('POST', path, { body: { pem } })
      output.result(made, () =>
        fields([
          ['certificate', made.id],
          ['valid until', made.validUntil],
        ]),
      )
    },
  )
  identityAction<{ statement: string }>(
    frame,
    partners,
    {
      ...{
        name: 'encryption-key',
        summary: 'register the key that data for a partner of profile keyhaven is sealed to',
      },
      arguments: [PARTNER],
      examples: [
        [
          'keyhaven identity partners encryption-key demo shop --statement shop.jws',
          'As signEncryptionKey made it, with the key of the certificate',
        ],
      ],
    },
    (command) => command.requiredOption('--statement <file>', 'compact JWS; - for stdin'),
    async ({ context, output, options, args }, admin) => {
      const statement = (await readInput(context, options.statement)).trim()
      const path = identityPath(args[0]!, 'partners', args[1]!, 'encryption-key')
      const changed = await admin.call<Partner>('POST', path, { body: { statement } })
      output.result(changed, () => describePartner(changed))
    },
  )
  identityAction<{ domain: string; certificates: string }>(
    frame,
    partners,
    {
      ...{ name: 'trust', summary: 'trust certificate authorities of partners' },
      examples: [
        [
          'keyhaven identity partners trust demo --domain AUTH --certificates authorities.pem',
          'Roots and those below',
        ],
      ],
    },
    (command) =>
      command
        .requiredOption('--domain <domain>', 'AUTH, DEVICE or FTM')
        .requiredOption('--certificates <file>', 'certificates, PEM; - for stdin'),
    async ({ context, output, options, args }, admin) => {
      const body = { domain: options.domain, pem: await readInput(context, options.certificates) }
      const added = await admin.call<{ items: readonly { id: string; subject: string }[] }>(
        'POST',
        identityPath(args[0]!, 'authorities'),
        { body },
      )
      output.result(added, () =>
        table(
          [
            { heading: 'ID', cell: ({ id }) => id },
            { heading: 'SUBJECT', cell: ({ subject }) => subject },
          ],
          added.items,
          'none',
        ),
      )
    },
  )
}

function subscriptionCommands(frame: Frame, partners: Command): void {
  identityAction<{ policy: string; purpose: string }>(
    frame,
    partners,
    {
      ...{ name: 'request', summary: 'ask for a policy in a partner’s name', arguments: [PARTNER] },
      examples: [
        [
          'keyhaven identity partners request demo shop --policy shops-kyc --purpose "age check"',
          'Somebody approves it then',
        ],
      ],
    },
    (command) =>
      command
        .requiredOption('--policy <id>', 'policy id')
        .requiredOption('--purpose <text>', 'what the partner wants it for'),
    async ({ output, options, args }, admin) => {
      const body = { partnerId: args[1]!, policyId: options.policy, purpose: options.purpose }
      const made = await admin.call<Subscription>('POST', identityPath(args[0]!, 'subscriptions'), { body })
      output.result(made, () => describeSubscription(made))
    },
  )
  for (const [name, approve] of [
    ['approve', true],
    ['refuse', false],
  ] as const) {
    identityAction<{ reason: string }>(
      frame,
      partners,
      {
        ...{ name, summary: `${name} what a partner asked for`, arguments: [SUBSCRIPTION] },
        examples: [
          [
            `keyhaven identity partners ${name} demo SUBSCRIPTION --reason "contract 7"`,
            'The partner sees why',
          ],
        ],
      },
      reasonOption,
      async ({ output, options, args }, admin) => {
        const path = identityPath(args[0]!, 'subscriptions', args[1]!, 'decide')
        const decided = await admin.call<Subscription>('POST', path, {
          body: { approve, reason: options.reason },
        })
        output.result(decided, () => describeSubscription(decided))
      },
    )
  }
}

function keyCommands(frame: Frame, partners: Command): void {
  const days = (command: Command) => command.option('--days <number>', 'how long it works', '365')
  const parseDays = (given: string) => parseWhole('--days', given, 1, KEY_DAYS_MAX)
  const note = 'Keep it now: it cannot be shown again.'
  identityAction<{ policy: string; label: string; days: string }>(
    frame,
    partners,
    {
      ...{ name: 'api-key', summary: 'issue an API key; it is shown once', arguments: [PARTNER] },
      examples: [
        [
          'keyhaven identity partners api-key demo shop --policy shops-kyc --label till-1',
          'For an approved policy',
        ],
      ],
    },
    (command) =>
      days(
        command
          .requiredOption('--policy <id>', 'policy id')
          .requiredOption('--label <text>', 'a name for it'),
      ),
    async ({ output, options, args }, admin) => {
      const body = { policyId: options.policy, label: options.label, days: parseDays(options.days) }
      const made = await admin.call<PartnerKey>(
        'POST',
        identityPath(args[0]!, 'partners', args[1]!, 'api-keys'),
        { body },
      )
      output.result(made, () => made.key ?? '')
      output.note(note)
    },
  )
  identityAction<{ days: string }>(
    frame,
    partners,
    {
      ...{
        name: 'licence',
        summary: 'issue a licence key to a MISP; it is shown once',
        arguments: [PARTNER],
      },
      examples: [
        [
          'keyhaven identity partners licence demo network --days 90',
          'It stands in the addresses that partners call',
        ],
      ],
    },
    days,
    async ({ output, options, args }, admin) => {
      const body = { days: parseDays(options.days) }
      const made = await admin.call<PartnerKey>(
        'POST',
        identityPath(args[0]!, 'partners', args[1]!, 'licences'),
        { body },
      )
      output.result(made, () => made.key ?? '')
      output.note(note)
    },
  )
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

function describePartner(partner: Partner): string {
  return fields([
    ['partner', partner.id],
    ['type', partner.type],
    ['organisation', partner.organisation],
    ['policy group', partner.groupId],
    ['profile', partner.profile],
    ['state', partner.state],
    ['webhook', partner.webhookUrl],
  ])
}

function describeSubscription({ id, partnerId, policyId, state, reason }: Subscription): string {
  return fields([
    ['subscription', id],
    ['partner', partnerId],
    ['policy', policyId],
    ['state', state],
    ['reason', reason],
  ])
}

function describeDetails(found: PartnerDetails): string {
  const certificates = table(
    [
      { heading: 'CERTIFICATE', cell: ({ id }) => id },
      { heading: 'STATE', cell: ({ state }) => state },
      { heading: 'UNTIL', cell: ({ validUntil }) => validUntil },
    ],
    found.certificates,
    'no certificate',
  )
  const subscriptions = table(
    [
      { heading: 'SUBSCRIPTION', cell: ({ id }) => id },
      { heading: 'POLICY', cell: ({ policyId }) => policyId },
      { heading: 'STATE', cell: ({ state }) => state },
      { heading: 'REASON', cell: ({ reason }) => reason },
    ],
    found.subscriptions,
    'no subscriptions',
  )
  const keys = table(
    [
      { heading: 'KEY', cell: ({ id }) => id },
      { heading: 'POLICY', cell: ({ policyId }) => policyId },
      { heading: 'LABEL', cell: ({ label }) => label },
      { heading: 'STATE', cell: ({ state }) => state },
      { heading: 'UNTIL', cell: ({ expiresAt }) => expiresAt },
    ],
    [...found.apiKeys, ...found.licences],
    'no keys',
  )
  return [describePartner(found), certificates, subscriptions, keys].join('\n\n')
}
