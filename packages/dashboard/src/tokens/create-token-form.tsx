import { Checkbox, Stack, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { type CreatedToken, useCreateToken } from '../api/tokens.ts'
import { DialogActions } from '../parts/dialog-actions.tsx'
import { momentToIso } from '../parts/local-moment.ts'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { ROLE_MEANINGS } from './role-meanings.ts'

interface CreateTokenFormProps {
  readonly onCreated: (token: CreatedToken) => void
  readonly onCancel: () => void
}

/** It becomes part of the actor `token:<name>`. */
const TOKEN_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/
const NAME_RULE = 'Letters, digits, dots, hyphens and underscores, starting with a letter or a digit'

export function CreateTokenForm({ onCreated, onCancel }: CreateTokenFormProps) {
  const [name, setName] = useState('')
  const [roles, setRoles] = useState<string[]>([])
  const [expires, setExpires] = useState('')
  const [tried, setTried] = useState(false)
  const create = useCreateToken()
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    setTried(true)
    if (!TOKEN_NAME.test(name.trim()) || roles.length === 0) return
    const expiresAt = momentToIso(expires)
    create.mutate(
      { name: name.trim(), roles, ...(expiresAt === undefined ? {} : { expiresAt }) },
      { onSuccess: onCreated },
    )
  }
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="md">
        <TextInput
          label="Name"
          description="It stands in the audit log beside what the token is used for."
          placeholder="deploy-pipeline"
          required
          data-autofocus
          maxLength={64}
          value={name}
          error={tried && !TOKEN_NAME.test(name.trim()) ? NAME_RULE : undefined}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Checkbox.Group
          label="Roles"
          required
          value={roles}
          onChange={setRoles}
          error={tried && roles.length === 0 ? 'Choose at least one role' : undefined}
        >
          <Stack gap={8} mt={8} mb={4}>
            {Object.entries(ROLE_MEANINGS).map(([role, meaning]) => (
              <Checkbox key={role} value={role} label={role} description={meaning} />
            ))}
          </Stack>
        </Checkbox.Group>
        <TextInput
          type="datetime-local"
          label="Expires, your local time"
          description="Empty: it works until it is deleted."
          value={expires}
          onChange={(event) => setExpires(event.currentTarget.value)}
        />
        <ProblemAlert error={create.error} />
        <DialogActions submit="Create token" busy={create.isPending} onCancel={onCancel} />
      </Stack>
    </form>
  )
}
