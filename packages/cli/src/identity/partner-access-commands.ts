import type { Command } from 'commander'
import type { Frame } from '../frame.ts'
import { parseWhole } from '../input/parse-time.ts'
import { describeSubscription } from './describe-partner.ts'
import { identityPath, type PartnerKey, type Subscription } from './identity-api.ts'
import { identityAction, reasonOption } from './identity-command.ts'
import { PARTNER } from './partner-argument.ts'

const SUBSCRIPTION = ['<subscription>', 'id, as `keyhaven identity partners show` shows it'] as const
/** As the server has it. */
const KEY_DAYS_MAX = 1_826

/** What a partner asks for, and who decides. */
export function subscriptionCommands(frame: Frame, partners: Command): void {
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

/** API keys and licences. */
export function keyCommands(frame: Frame, partners: Command): void {
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
