import { Text } from '@mantine/core'
import { isLocalUrl, useServerUrl } from './use-server-url.ts'

/** Warns that the copied code works on the server's own machine only, and says how to mend that. */
export function UrlHint() {
  const url = useServerUrl()
  if (!isLocalUrl(url)) return null
  return (
    <Text size="sm" c="dimmed">
      <span className="kh-mono">{url}</span> works on this machine only. Start the server with{' '}
      <span className="kh-mono">KEYHAVEN_PUBLIC_URL</span> to have the address here at which apps reach it.
    </Text>
  )
}
