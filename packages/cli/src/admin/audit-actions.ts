import { usageError } from '../command-error.ts'
import type { AdminClient } from './admin-client.ts'

/** What a server of this version writes into its audit log. */
export const AUDIT_ACTIONS: readonly string[] = [
  'application.create',
  'auth.answer',
  'auth.authorities.import',
  'auth.issuer.pin',
  'auth.partner.import',
  'auth.unlock',
  'channel.check',
  'conversation.change',
  'conversation.create',
  'conversation.erase',
  'conversation.export.approve',
  'conversation.export.download',
  'conversation.export.request',
  'conversation.file',
  'conversation.refuse',
  'conversation.release',
  'conversation.rotate',
  'conversation.share',
  'delegation.install',
  'directory.accept',
  'directory.create',
  'directory.legacy',
  'directory.log.check',
  'directory.refuse',
  'directory.reset',
  'directory.revoke',
  'directory.sign-up-token.add',
  'directory.sign-up-token.delete',
  'event.dead',
  'event.replay',
  'file.delete',
  'file.expire',
  'file.repair',
  'identity.centre.add',
  'identity.centre.close',
  'identity.job.replay',
  'identity.key.add',
  'identity.key.policy',
  'identity.machine.add',
  'identity.machine.end',
  'identity.officer.add',
  'identity.officer.end',
  'identity.record.create',
  'identity.record.read',
  'identity.record.status',
  'identity.record.update',
  'identity.registration.advance',
  'identity.registration.receive',
  'identity.registration.reject',
  'identity.vid.create',
  'identity.vid.read',
  'identity.vid.revoke',
  'key.activate',
  'key.add',
  'key.retire',
  'key.revoke',
  'key.schedule',
  'keys.rewrap',
  'partner.api-key.issue',
  'partner.api-key.revoke',
  'partner.authority.add',
  'partner.authority.revoke',
  'partner.certificate',
  'partner.certificate.revoke',
  'partner.encryption-key',
  'partner.licence.issue',
  'partner.licence.revoke',
  'partner.refuse',
  'partner.register',
  'partner.state',
  'partner.subscription',
  'partner.webhook',
  'policy.define',
  'policy.group',
  'policy.publish',
  'policy.state',
  'root.switch',
  'session.create',
  'share.create',
  'share.read',
  'share.refuse',
  'share.revoke',
  'state.recover',
  'state.restore',
  'token.create',
  'token.delete',
]

/**
 * A mistyped action would list nothing, as if nothing had happened. One that only a newer server knows is
 * asked for there.
 *
 * @throws CommandError `INPUT_INVALID` that suggests the nearest name.
 */
export async function requireAuditAction(admin: AdminClient, action: string | undefined): Promise<void> {
  if (action === undefined || AUDIT_ACTIONS.includes(action)) return
  const { items } = await admin.get<{ readonly items: readonly string[] }>('/audit/actions')
  if (items.includes(action)) return
  const { nearestName } = await import('@keyhaven/crypto')
  const names = [...new Set([...AUDIT_ACTIONS, ...items])].sort()
  const nearest = nearestName(action, names)
  throw usageError(
    `--action: there is no action "${action}"${nearest === undefined ? '' : `, did you mean ${nearest}?`}`,
    `Use one of ${names.join(', ')}.`,
  )
}
