import type { Command } from 'commander'
import { describe, type Frame } from '../frame.ts'
import { fields } from '../terminal/output.ts'
import { identityPath, type PartnerEvent, type Share } from './identity-api.ts'
import { identityAction, identityList, noOptions } from './identity-command.ts'

/** `keyhaven identity shares`. */
export function identitySharesCommand(frame: Frame, identity: Command): void {
  const shares = describe(
    identity.command('shares'),
    'data given to partners: for whom, how often, until when',
    [['keyhaven identity shares list demo --state live', 'Never content']],
  )
  identityList<Share>(frame, shares, {
    path: 'shares',
    summary: 'list the shares, by id',
    examples: [['keyhaven identity shares list demo --state live', 'Those that can still be read']],
    states: ['live', 'ended', 'deleted'],
    columns: [
      { heading: 'ID', cell: ({ id }) => id },
      { heading: 'PARTNER', cell: ({ subscriberId }) => subscriberId },
      { heading: 'POLICY', cell: ({ policyId }) => policyId },
      { heading: 'STATE', cell: ({ state }) => state },
      { heading: 'READS LEFT', cell: ({ remaining }) => (remaining < 0 ? 'any' : remaining), align: 'right' },
      { heading: 'UNTIL', cell: ({ expiresAt }) => expiresAt },
    ],
    empty: 'no shares',
  })
  identityAction(
    frame,
    shares,
    {
      ...{ name: 'revoke', summary: 'end a share, at once', arguments: [['<share>', 'id of the share']] },
      examples: [['keyhaven identity shares revoke demo q83vEjRWeJCrze8SNFZ4kA', 'Nobody reads it any more']],
    },
    noOptions,
    async ({ output, args }, admin) => {
      await admin.call('POST', identityPath(args[0]!, 'shares', args[1]!, 'revoke'), { body: {} })
      output.result({ revoked: args[1]! }, () => fields([['revoked', args[1]!]]))
    },
  )
}

/** `keyhaven identity events`. */
export function identityEventsCommand(frame: Frame, identity: Command): void {
  const events = describe(
    identity.command('events'),
    'events to partners: what waits, what is dead, and again',
    [
      ['keyhaven identity events list demo --state dead', 'What was tried too often'],
      ['keyhaven identity events replay demo EVENT', 'Once the partner answers again'],
    ],
  )
  identityList<PartnerEvent>(frame, events, {
    path: 'events',
    summary: 'list the events of the last 30 days, newest first',
    examples: [['keyhaven identity events list demo --state dead', 'What was tried too often']],
    states: ['kept', 'waiting', 'delivered', 'dead'],
    columns: [
      { heading: 'NUMBER', cell: ({ sequence }) => sequence, align: 'right' },
      { heading: 'PARTNER', cell: ({ partnerId }) => partnerId },
      { heading: 'TOPIC', cell: ({ topic }) => topic },
      { heading: 'STATE', cell: ({ state }) => state },
      { heading: 'TRIED', cell: ({ attempts }) => attempts, align: 'right' },
      { heading: 'FAILURE', cell: ({ failure }) => failure },
      { heading: 'ID', cell: ({ id }) => id },
    ],
    empty: 'no events',
  })
  identityAction(
    frame,
    events,
    {
      ...{
        name: 'replay',
        summary: 'send an event again, or one that waits at once',
        arguments: [['<event>', 'id of the event']],
      },
      examples: [['keyhaven identity events replay demo EVENT', 'In its old place in the order']],
    },
    noOptions,
    async ({ output, args }, admin) => {
      const path = identityPath(args[0]!, 'events', args[1]!, 'replay')
      const event = await admin.call<PartnerEvent>('POST', path, { body: {} })
      output.result(event, () =>
        fields([
          ['event', event.id],
          ['partner', event.partnerId],
          ['state', event.state],
        ]),
      )
    },
  )
}
