import { Button, PasswordInput, SegmentedControl, Stack, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { type CredentialKind, useSignIn } from '../api/session.ts'
import { SignInRefusal } from './sign-in-refusal.tsx'

/** Sends what was typed once, over the page's own origin, and forgets it. */
export function CredentialForm() {
  const [way, setWay] = useState<CredentialKind>('code')
  const [value, setValue] = useState('')
  const [missing, setMissing] = useState(false)
  const signIn = useSignIn()
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    const typed = value.trim()
    setMissing(typed === '')
    if (typed === '') return
    signIn.mutate(way === 'code' ? { code: typed } : { token: typed }, { onError: () => setValue('') })
  }
  const field = {
    value,
    onChange: (event: { currentTarget: HTMLInputElement }) => setValue(event.currentTarget.value),
    autoFocus: true,
    error: missing ? 'Type or paste it here' : undefined,
  }
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="md">
        <SegmentedControl
          fullWidth
          aria-label="Sign in with"
          value={way}
          onChange={(next) => {
            setWay(next as CredentialKind)
            setValue('')
            setMissing(false)
            signIn.reset()
          }}
          data={[
            { value: 'code', label: 'One-time code' },
            { value: 'token', label: 'API token' },
          ]}
        />
        {way === 'code' ? (
          <TextInput
            {...field}
            key="code"
            label="One-time code"
            autoComplete="one-time-code"
            spellCheck={false}
          />
        ) : (
          <PasswordInput {...field} key="token" label="API token" autoComplete="off" />
        )}
        <SignInRefusal error={signIn.error} way={way} />
        <Button type="submit" loading={signIn.isPending}>
          Sign in
        </Button>
      </Stack>
    </form>
  )
}
