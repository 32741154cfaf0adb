import { Box, Group, Text, Title } from '@mantine/core'
import { type ReactNode, useEffect, useRef } from 'react'

interface PageHeaderProps {
  readonly title: string
  readonly children?: ReactNode
  readonly actions?: ReactNode
}

let pagesShown = 0

/** The page's one first heading. It names the browser's tab, and takes the focus when the page changes. */
export function PageHeader({ title, children, actions }: PageHeaderProps) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = `${title} · Keyhaven`
  }, [title])
  useEffect(() => {
    // Not on the first page: whoever opens it starts at its top, with the skip button.
    if (pagesShown > 0) heading.current?.focus({ preventScroll: true })
    pagesShown += 1
  }, [])
  return (
    <Group justify="space-between" align="flex-start" gap="sm" mb="lg">
      <Box miw={0} flex="1 1 300px">
        <Title order={1} size="h2" ref={heading} tabIndex={-1}>
          {title}
        </Title>
        {children !== undefined && (
          <Text component="div" c="dimmed" mt={4}>
            {children}
          </Text>
        )}
      </Box>
      {actions}
    </Group>
  )
}
