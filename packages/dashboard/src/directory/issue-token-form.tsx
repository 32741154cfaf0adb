import { NativeSelect, Stack, TextInput } from '@mantine/core'
import { type IssuedSignUpToken, useIssueSignUpToken } from '../api/sign-up-tokens.ts'
import { DialogActions } from '../parts/dialog-actions.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { useCheckedForm } from '../parts/use-checked-form.ts'
import { PROFILES } from './profile-label.ts'
import { checkSignUpToken, draftToSignUpToken, EMPTY_SIGN_UP } from './sign-up-token-draft.ts'

interface IssueTokenFormProps {
  readonly applicationId: string
  readonly username: string | undefined
  readonly onIssued: (token: IssuedSignUpToken) => void
  readonly onCancel: () => void
}

const ANY_PROFILE = 'The app chooses; X-Wing unless it names another.'

export function IssueTokenForm({ applicationId, username, onIssued, onCancel }: IssueTokenFormProps) {
  const issue = useIssueSignUpToken(applicationId)
  const { draft, form, field } = useCheckedForm(
    { ...EMPTY_SIGN_UP, username: username ?? '' },
    (given) => checkSignUpToken(given, Date.now()),
    (given) => issue.mutate(draftToSignUpToken(given), { onSuccess: onIssued }),
  )
  return (
    <form {...form}>
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
