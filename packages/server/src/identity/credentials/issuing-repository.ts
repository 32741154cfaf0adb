import { randomUUID } from 'node:crypto'
import type { IdentityRepository, PartnerStore } from '@keyhaven/identity/service'
import type { StateTransaction } from '../../platform/state/state.ts'
import type { Credentials } from './create-credentials.ts'

export interface IssuingParts {
  readonly repository: IdentityRepository
  readonly partners: Pick<PartnerStore<StateTransaction>, 'reads'>
  readonly credentials: Pick<Credentials, 'announce'>
}

/**
 * The repository, whose ends reach the IDAs: a revoked VID is forgotten there, a blocked person cannot authenticate.
 */
export function createIssuingRepository(parts: IssuingParts): IdentityRepository {
  const { repository, partners, credentials } = parts

  async function announce(topic: 'ACTIVATE_ID' | 'DEACTIVATE_ID' | 'REMOVE_ID', ids: readonly string[]) {
    const verifiers = await partners.reads.partners.list({
      type: 'Online_Verification_Partner',
      state: 'active',
    })
    for (const { id: partner } of verifiers) {
      for (const id of ids) await credentials.announce({ topic, id, partner, requestId: randomUUID() })
    }
  }

  return {
    ...repository,
    // An IDA is told of an end before it comes: afterwards nobody is read, and an end that was told and did not
    // come is asked for again.
    async revokeVid(vid, actor) {
      await announce('REMOVE_ID', [vid])
      return repository.revokeVid(vid, actor)
    },
    async setStatus(id, type, status, actor) {
      const vidsOf = async () =>
        type === 'UIN' ? (await repository.vids(id, actor)).map(({ vid }) => vid) : []
      if (status === 'ACTIVATED') {
        const summary = await repository.setStatus(id, type, status, actor)
        await announce('ACTIVATE_ID', [id, ...(await vidsOf())])
        return summary
      }
      if ((await repository.summary(id, type)).status === 'ACTIVATED') {
        await announce('DEACTIVATE_ID', [id, ...(await vidsOf())])
      }
      return repository.setStatus(id, type, status, actor)
    },
  }
}
