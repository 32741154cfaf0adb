import type { Command } from 'commander'
import { describe, type Frame } from '../frame.ts'
import { parseTime } from '../input/parse-time.ts'
import { parseUserJson, readInput } from '../input/read-input.ts'
import { fields } from '../terminal/output.ts'
import { identityPath, type Policy, type PolicyDetails } from './identity-api.ts'
import { identityAction, identityList, noOptions } from './identity-command.ts'

const POLICY = ['<policy>', 'policy id'] as const

/** `keyhaven identity policies`. */
export function identityPoliciesCommand(frame: Frame, identity: Command): void {
  const policies = describe(identity.command('policies'), 'policies: what of a person a partner may have', [
    ['keyhaven identity policies defaults demo', 'MOSIP’s own'],
    ['keyhaven identity policies list demo', 'Which there are'],
  ])
  identityList<Policy>(frame, policies, {
    path: 'policies',
    summary: 'list the policies, by id',
    examples: [['keyhaven identity policies list demo --state draft', 'Those that were never published']],
    states: ['draft', 'active', 'inactive'],
    columns: [
      { heading: 'ID', cell: ({ id }) => id },
      { heading: 'GROUP', cell: ({ groupId }) => groupId },
      { heading: 'TYPE', cell: ({ type }) => type },
      { heading: 'VERSION', cell: ({ version }) => version, align: 'right' },
      { heading: 'STATE', cell: ({ state }) => state },
      { heading: 'UNTIL', cell: ({ validUntil }) => validUntil },
    ],
    empty: 'no policies',
  })
  showCommand(frame, policies)
  identityAction(
    frame,
    policies,
    {
      ...{ name: 'defaults', summary: 'add MOSIP’s policies that are not there' },
      examples: [['keyhaven identity policies defaults demo', 'With what this server refuses put right']],
    },
    noOptions,
    async ({ output, args }, admin) => {
      const path = identityPath(args[0]!, 'policies', 'defaults')
      const answer = await admin.call<{ added: readonly string[] }>('POST', path, { body: {} })
      output.result(answer, () => answer.added.join('\n') || 'they are all there')
    },
  )
  writeCommands(frame, policies)
  stateCommands(frame, policies)
}

function showCommand(frame: Frame, policies: Command): void {
  identityAction(
    frame,
    policies,
    {
      ...{ name: 'show', summary: 'show a policy, as MOSIP writes it', arguments: [POLICY] },
      examples: [
        ['keyhaven identity policies show demo mpolicy-default-auth', 'What is published; else the draft'],
      ],
    },
    noOptions,
    async ({ output, args }, admin) => {
      const found = await admin.get<PolicyDetails>(identityPath(args[0]!, 'policies', args[1]!))
      const text = found.body === '' ? found.draft : found.body
      output.result(found, () => `${describePolicy(found)}\n\n${JSON.stringify(JSON.parse(text), null, 2)}`)
    },
  )
}

interface DefineOptions {
  readonly group: string
  readonly type: string
  readonly file: string
  readonly description: string
}

function writeCommands(frame: Frame, policies: Command): void {
  identityAction<DefineOptions>(
    frame,
    policies,
    {
      ...{
        name: 'define',
        summary: 'write a policy, as a draft; its group is made if it is not there',
        arguments: [POLICY],
      },
      examples: [
        [
          'keyhaven identity policies define demo cards --group printers --type DataShare --file cards.json',
          'MOSIP’s JSON; what is wrong is named by its path',
        ],
      ],
    },
    (command) =>
      command
        .requiredOption('--group <id>', 'policy group')
        .requiredOption('--type <type>', 'DataShare, Auth or MISP')
        .requiredOption('--file <file>', 'the policy; - for stdin')
        .option('--description <text>', 'what it is for', ''),
    async ({ context, output, options, args }, admin) => {
      const document = parseUserJson('the policy', await readInput(context, options.file))
      const [application, id] = args as [string, string]
      const groups = identityPath(application, 'policy-groups')
      const known = await admin.get<{ items: readonly { id: string }[] }>(groups, { limit: 200 })
      if (!known.items.some((group) => group.id === options.group)) {
        await admin.call('POST', groups, {
          body: { id: options.group, name: options.group, description: '' },
        })
      }
      const body = {
        id,
        groupId: options.group,
        name: id,
        description: options.description,
        type: options.type,
        document,
      }
      const made = await admin.call<Policy>('POST', identityPath(application, 'policies'), { body })
      output.result(made, () => describePolicy(made))
    },
  )
  identityAction<{ file: string }>(
    frame,
    policies,
    {
      ...{
        name: 'revise',
        summary: 'write a policy’s next version; what is published stays',
        arguments: [POLICY],
      },
      examples: [['keyhaven identity policies revise demo cards --file cards.json', 'Then `publish`']],
    },
    (command) => command.requiredOption('--file <file>', 'the policy; - for stdin'),
    async ({ context, output, options, args }, admin) => {
      const document = parseUserJson('the policy', await readInput(context, options.file))
      const path = identityPath(args[0]!, 'policies', args[1]!, 'draft')
      const revised = await admin.call<Policy>('POST', path, { body: { document } })
      output.result(revised, () => describePolicy(revised))
    },
  )
}

function stateCommands(frame: Frame, policies: Command): void {
  identityAction<{ until?: string }>(
    frame,
    policies,
    {
      ...{
        name: 'publish',
        summary: 'publish a policy’s draft; shares under the version before end',
        arguments: [POLICY],
      },
      examples: [['keyhaven identity policies publish demo cards --until +365d', 'For a year']],
    },
    (command) => command.option('--until <time>', 'ISO 8601, or +365d; else it does not end by itself'),
    async ({ context, output, options, args }, admin) => {
      const validUntil =
        options.until === undefined ? null : parseTime('--until', options.until, context.now())
      const path = identityPath(args[0]!, 'policies', args[1]!, 'publish')
      const published = await admin.call<Policy>('POST', path, { body: { validUntil } })
      output.result(published, () => describePolicy(published))
    },
  )
  for (const [name, active, summary] of [
    ['activate', true, 'let a published policy count again'],
    ['deactivate', false, 'refuse everything under a policy, at once'],
  ] as const) {
    identityAction(
      frame,
      policies,
      {
        name,
        summary,
        arguments: [POLICY],
        examples: [[`keyhaven identity policies ${name} demo cards`, 'At once']],
      },
      noOptions,
      async ({ output, args }, admin) => {
        const path = identityPath(args[0]!, 'policies', args[1]!, 'state')
        const changed = await admin.call<Policy>('POST', path, { body: { active } })
        output.result(changed, () => describePolicy(changed))
      },
    )
  }
}

function describePolicy(policy: Policy): string {
  return fields([
    ['policy', policy.id],
    ['group', policy.groupId],
    ['type', policy.type],
    ['version', policy.version],
    ['state', policy.state],
    ['valid until', policy.validUntil],
  ])
}
