import { Text } from '@mantine/core'
import { useServerUrl } from './use-server-url.ts'

/** Says which part of the copied code is still to be filled in, where there is one. */
export function UrlHint() {
  const { url, isExample } = useServerUrl()
  if (!isExample) return null
  return (
    <Text size="sm" c="dimmed">
      Replace <span className="kh-mono">{url}</span> with the address at which your app reaches this server.
    </Text>
  )
}
