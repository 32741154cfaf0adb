import { KeyhavenError, overwrite, randomId, toBase64url } from '@keyhaven/crypto'
import { ID_BYTES } from '../membership/limits.ts'
import type { Receipt } from '../receipt/receipt.ts'
import type { Pending } from './batch.ts'
import type { ExportedKey } from './conversation-service.ts'
import type { ConversationTransaction } from './ports.ts'
import { OperatorRefused } from './refusals.ts'
import { committed } from './released-key.ts'
import { type ServiceContext, secondsOf } from './service-context.ts'
import type { StoredExport, StoredKey, StoredSecret } from './stored-rows.ts'

/** Keys of one export: more are asked for by their dates. */
export const MAX_EXPORTED_KEYS = 10_000

/** `ConversationService.requestExport`: the first of two operators. */
export async function requestExport(
  context: ServiceContext,
  application: string,
  conversation: string,
  input: { readonly reason: string; readonly from: number | null; readonly to: number | null },
  actor: string,
): Promise<StoredExport> {
  return await context.commit({
    locks: [{ application, conversation }],
    run: async (tx) => {
      const row = await tx.findConversation(application, conversation)
      if (row === undefined) throw new KeyhavenError('NOT_FOUND', 'there is no such conversation')
      if (row.mode === 'sealed') throw sealed()
      const made: StoredExport = {
        id: randomId(context.backend, ID_BYTES),
        conversation,
        ...input,
        requestedBy: actor,
        requestedAt: tx.now,
        ...{ approvedBy: null, approvedAt: null, downloadedAt: null },
      }
      await tx.insertExport(application, made)
      audit(tx, application, actor, 'conversation.export.request', made)
      return () => made
    },
  })
}

/** `ConversationService.approveExport`: the second, who is another one. */
export async function approveExport(
  context: ServiceContext,
  application: string,
  id: string,
  actor: string,
): Promise<StoredExport> {
  const found = await requireExport(context.store.reads.findExport(application, id))
  const reason = found.requestedBy !== actor && (await context.whyOneOperator?.(found.requestedBy, actor))
  if (reason) {
    throw new OperatorRefused('one-person', `two operators who may be one person cannot export: ${reason}`)
  }
  return await context.commit({
    locks: [{ application, conversation: found.conversation }],
    run: async (tx) => {
      const row = await requireExport(tx.findExport(application, id))
      if (row.requestedBy === actor) {
        throw new OperatorRefused('own-request', 'another operator than the one who asked must approve')
      }
      if (row.approvedBy !== null) {
        throw new OperatorRefused('approved-already', 'the export is approved already')
      }
      const approved = { ...row, approvedBy: actor, approvedAt: tx.now }
      await tx.saveExport(application, approved)
      audit(tx, application, actor, 'conversation.export.approve', approved)
      return () => approved
    },
  })
}

/**
 * `ConversationService.downloadExport`: by one of the two, once. Receipts for the members are written first.
 */
export async function downloadExport(
  context: ServiceContext,
  application: string,
  id: string,
  actor: string,
): Promise<readonly ExportedKey[]> {
  const found = await requireExport(context.store.reads.findExport(application, id))
  const { conversation } = found
  const granted = await context.commit({
    locks: [{ application, conversation }],
    run: async (tx, batch) => {
      const row = await requireExport(tx.findExport(application, id))
      const { requestedBy, approvedBy } = row
      if (approvedBy === null) {
        throw new OperatorRefused('not-approved', 'a second operator has not approved it yet')
      }
      if (actor !== requestedBy && actor !== approvedBy) {
        throw new OperatorRefused('not-its-operator', 'only the two operators of the export can fetch it')
      }
      if (row.downloadedAt !== null) {
        throw new OperatorRefused('fetched-already', 'the export was fetched already')
      }
      const keys = (await tx.exportedKeys(application, row)).filter(({ secret }) => secret !== null)
      if (keys.length > MAX_EXPORTED_KEYS) {
        throw new KeyhavenError(
          'INPUT_INVALID',
          `an export has at most ${MAX_EXPORTED_KEYS} keys: name dates`,
        )
      }
      await tx.saveExport(application, { ...row, downloadedAt: tx.now })
      const at = secondsOf(tx.now)
      const to = { operators: [requestedBy, approvedBy] }
      const taken: { key: StoredKey; secret: StoredSecret; receipt: Receipt; pending: Pending }[] = []
      for (const { key, secret } of keys) {
        const fields = {
          application,
          conversation,
          kind: 'export',
          object: key.id,
          to,
          rule: 'export',
          at,
        } as const
        batch.addReceipt(fields, (receipt, pending) => taken.push({ key, secret: secret!, receipt, pending }))
      }
      audit(tx, application, actor, 'conversation.export.download', row, { keys: keys.length })
      return () => taken
    },
  })
  return await Promise.all(
    granted.map(async ({ key, secret, receipt, pending }) => {
      const bytes = await context.vault.unwrap({ application, conversation, key: key.id }, secret)
      try {
        const { id: keyId, algorithm, membership } = key
        const logged = { receipt, commitment: committed(pending) }
        return {
          ...{ id: keyId, algorithm, membership, createdAt: secondsOf(key.createdAt) },
          ...{ key: toBase64url(bytes), receipt: logged },
        }
      } finally {
        overwrite(bytes)
      }
    }),
  )
}

function audit(
  tx: ConversationTransaction,
  application: string,
  actor: string,
  action: 'conversation.export.request' | 'conversation.export.approve' | 'conversation.export.download',
  { id, conversation, reason, requestedBy, approvedBy }: StoredExport,
  more: Readonly<Record<string, number>> = {},
): void {
  const detail = { export: id, reason, requestedBy, approvedBy, ...more }
  tx.audit({ application, actor, action, subject: conversation, detail })
}

async function requireExport(found: Promise<StoredExport | undefined>): Promise<StoredExport> {
  const row = await found
  if (row === undefined) throw new KeyhavenError('NOT_FOUND', 'there is no such export')
  return row
}

function sealed(): OperatorRefused {
  return new OperatorRefused('sealed', 'the server has no key of a sealed conversation: there is no export')
}
