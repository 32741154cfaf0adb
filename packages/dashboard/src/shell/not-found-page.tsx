import { Button, Paper } from '@mantine/core'
import { Link } from 'wouter'
import { Empty } from '../parts/empty.tsx'
import { PageHeader } from '../parts/page-header.tsx'

export function NotFoundPage() {
  return (
    <>
      <PageHeader title="No such page" />
      <Paper>
        <Empty
          icon="search"
          title="Nothing is at this address"
          action={
            <Button component={Link} href="/applications" mt="sm">
              All applications
            </Button>
          }
        >
          The link may be old. Start from the list of applications.
        </Empty>
      </Paper>
    </>
  )
}
