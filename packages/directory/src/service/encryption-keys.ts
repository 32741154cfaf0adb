import { KeyhavenError } from '@keyhaven/crypto'
import { verifyEncryptionKeyStatement } from '../chain/encryption-key-statement.ts'
import { checkUsableKey } from './accept-entry.ts'
import type { Caller } from './directory-service.ts'
import type { DirectoryTransaction } from './ports.ts'
import { nowSeconds, type ServiceContext, takeTurn, validCaller } from './service-context.ts'

/** `DirectoryService.publishEncryptionKey`. */
export async function publishKey<Tx extends DirectoryTransaction>(
  context: ServiceContext<Tx>,
  statement: string,
  caller: Caller,
): Promise<void> {
  await takeTurn(context, 'append', caller.device)
  const now = nowSeconds(context)
  await context.store.transaction(async (tx) => {
    const user = await tx.lockUser(caller.username)
    const state = await context.states.load(tx, caller.username, user, now)
    const { record } = validCaller(state, caller)
    const verified = await verifyEncryptionKeyStatement(context.backend, statement, state, caller.device)
    await checkUsableKey(context, { profile: record.profile, encryptionKey: verified.key })
    const { device, notBefore, expires } = verified
    const present = (await tx.encryptionKeys(caller.username, now)).find((key) => key.device === device)
    if (present && notBefore < present.notBefore)
      throw new KeyhavenError('CONFLICT', 'a newer encryption key is published already')
    await tx.saveEncryptionKey(caller.username, { device, statement, notBefore, expires })
  })
}
