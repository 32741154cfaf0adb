import { NativeSelect, Stack, TextInput } from '@mantine/core'
import { type FormEvent, useRef, useState } from 'react'
import { type IssuedSignUpToken, useIssueSignUpToken } from '../api/sign-up-tokens.ts'
import { DialogActions } from '../parts/dialog-actions.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { PROFILES } from './profile-label.ts'
import {
  checkSignUpToken,
  draftToSignUpToken,
  EMPTY_SIGN_UP,
  type SignUpTokenDraft,
  type SignUpTokenErrors,
} from './sign-up-token-draft.ts'

interface IssueTokenFormProps {
  readonly applicationId: string
  readonly username: string | undefined
  readonly onIssued: (token: IssuedSignUpToken) => void
  readonly onCancel: () => void
}

const ANY_PROFILE = 'The app chooses; X-Wing unless it names another.'

export function IssueTokenForm({ applicationId, username, onIssued, onCancel }: IssueTokenFormProps) {
  const [draft, setDraft] = useState<SignUpTokenDraft>({ ...EMPTY_SIGN_UP, username: username ?? '' })
  const [errors, setErrors] = useState<SignUpTokenErrors>({})
  const form = useRef<HTMLFormElement>(null)
  const issue = useIssueSignUpToken(applicationId)
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    const found = checkSignUpToken(draft, Date.now())
    setErrors(found)
    const first = Object.keys(found).at(0)
    if (first === undefined) issue.mutate(draftToSignUpToken(draft), { onSuccess: onIssued })
    else form.current?.querySelector<HTMLElement>(`[name="${first}"]`)?.focus()
  }
  const field = (name: keyof SignUpTokenDraft) => ({
    name,
    value: draft[name],
    error: errors[name],
    onChange: (event: { currentTarget: { value: string } }) =>
      setDraft({ ...draft, [name]: event.currentTarget.value }),
  })
  return (
    <form onSubmit={submit} noValidate ref={form}>
      <Stack gap="md">
        <TextInput
          label="Username"
          description="The name your app knows them by. Capital and small letters differ; it never changes."
          placeholder="alice@example.com"
          required
          data-autofocus
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          {...field('username')}
        />
        <TextInput
          type="datetime-local"
          label="Expires, your local time"
          description="Empty: after the server’s usual time."
          {...field('expires')}
        />
        <NativeSelect
          label="Profile"
          {...field('profile')}
          description={draft.profile === '' ? ANY_PROFILE : PROFILES[draft.profile].meaning}
          data={[
            { value: '', label: 'Any that the server allows' },
            ...Object.entries(PROFILES).map(([value, { label }]) => ({ value, label })),
          ]}
        />
        <ProblemAlert error={issue.error} />
        <DialogActions submit="Issue token" busy={issue.isPending} onCancel={onCancel} />
      </Stack>
    </form>
  )
}
