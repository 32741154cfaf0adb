import { Alert, Box, Button, Divider, Paper, Stack, Text, Title } from '@mantine/core'
import { useEffect } from 'react'
import { useSignInOptions } from '../api/session.ts'
import { Brand } from '../shell/brand.tsx'
import { SchemeSwitch } from '../shell/scheme-switch.tsx'
import { CredentialForm } from './credential-form.tsx'
import { ProviderRefusalNotice } from './provider-refusal-notice.tsx'
import './sign-in-page.css'

/** Where OIDC begins; the server answers with a redirect to the issuer. */
const OIDC_START = 'admin/oidc/start'

/** One-time code, API token, or the organisation's own sign-in where the server offers it. */
export function SignInPage({ ended }: { readonly ended: boolean }) {
  const options = useSignInOptions()
  useEffect(() => {
    document.title = 'Sign in · Keyhaven'
  }, [])
  return (
    <Box component="main" className="kh-sign-in">
      <Stack gap="lg" w="100%" maw={400}>
        <Brand size="lg" />
        <Paper p="xl" shadow="xs">
          <Stack gap="md">
            <Title order={1} size="h3">
              Sign in
            </Title>
            {ended && (
              <Alert role="status" color="blue">
                You are signed out. Sign in to go on where you were.
              </Alert>
            )}
            <ProviderRefusalNotice />
            <CredentialForm />
            {options.data?.oidc === true && (
              <>
                <Divider label="or" />
                <Button component="a" href={OIDC_START} variant="default">
                  Continue with {options.data.issuerName ?? 'single sign-on'}
                </Button>
              </>
            )}
          </Stack>
        </Paper>
        <Text size="sm" c="dimmed">
          The one-time code is in the terminal where the server was started. It works once. The API token of
          the first start is in the file <span className="kh-mono">admin-token</span> of the data directory.
        </Text>
        <SchemeSwitch />
      </Stack>
    </Box>
  )
}
