import { fields, table } from '../terminal/output.ts'
import type { Partner, PartnerDetails, Subscription } from './identity-api.ts'

export function describePartner(partner: Partner): string {
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

export function describeSubscription({ id, partnerId, policyId, state, reason }: Subscription): string {
  return fields([
    ['subscription', id],
    ['partner', partnerId],
    ['policy', policyId],
    ['state', state],
    ['reason', reason],
  ])
}

export function describeDetails(found: PartnerDetails): string {
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
      { heading: 'LABEL', cell: ({ label }) => label ?? '(licence)' },
      { heading: 'STATE', cell: ({ state }) => state },
      { heading: 'UNTIL', cell: ({ expiresAt }) => expiresAt },
    ],
    [...found.apiKeys, ...found.licences],
    'no keys',
  )
  return [describePartner(found), certificates, subscriptions, keys].join('\n\n')
}
