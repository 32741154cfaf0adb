import { Anchor } from '@mantine/core'
import { Link } from 'wouter'
import { identityRecordPath } from './identity-path.ts'

/** A partner's id, which leads to its page. */
export function PartnerLink({ id }: { readonly id: string }) {
  return (
    <Anchor component={Link} href={identityRecordPath('partners', id)} fw={600} size="sm" className="kh-mono">
      {id}
    </Anchor>
  )
}
