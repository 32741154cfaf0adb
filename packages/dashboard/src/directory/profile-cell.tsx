import { Badge, Group } from '@mantine/core'
import { isWeak, profileLabel } from './profile-label.ts'

/** A device's algorithms by name, with a mark on the weak ones. */
export function ProfileCell({ profile }: { readonly profile: string }) {
  return (
    <Group gap={6}>
      <span className="kh-nowrap">{profileLabel(profile)}</span>
      {isWeak(profile) && (
        <Badge
          size="sm"
          color="orange"
          title="Its keys can be broken. The app moves it up at its next renewal."
        >
          Weak
        </Badge>
      )}
    </Group>
  )
}
