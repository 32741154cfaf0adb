import { Code, Radio, Stack, Text, TextInput } from '@mantine/core'
import type { ApplicationDraft, DraftErrors } from './application-draft.ts'

interface RootFieldsProps {
  readonly draft: ApplicationDraft
  readonly errors: DraftErrors
  readonly onChange: (part: Partial<ApplicationDraft>) => void
}

/** Where the root signing key lives, and for an offline one, what clients will know it by. */
export function RootFields({ draft, errors, onChange }: RootFieldsProps) {
  return (
    <>
      <Radio.Group
        label="Root signing key"
        description="Apps ship its thumbprint and then trust every key it vouches for."
        value={draft.root}
        onChange={(root) => onChange({ root: root as ApplicationDraft['root'] })}
      >
        <Stack gap={8} mt={8}>
          <Radio
            value="online"
            label="On this server"
            description="Made now, wrapped at rest, with a spare. Nothing more to do."
          />
          <Radio
            value="offline"
            label="Offline, with you"
            description="Whoever takes over this server cannot make clients trust a new root."
          />
        </Stack>
      </Radio.Group>
      {draft.root === 'offline' && (
        <Stack gap="sm">
          <Text size="sm" c="dimmed">
            Make root keys on another machine with <Code>keyhaven trust root create</Code> and paste what it
            prints.
          </Text>
          <TextInput
            label="Root thumbprint"
            required
            value={draft.thumbprint}
            error={errors.thumbprint}
            spellCheck={false}
            autoCapitalize="none"
            onChange={({ currentTarget: { value } }) => onChange({ thumbprint: value })}
          />
          <TextInput
            label="Spare root thumbprint"
            description="Of a second root key, kept elsewhere, for the day the first is lost."
            value={draft.spareThumbprint}
            error={errors.spareThumbprint}
            spellCheck={false}
            autoCapitalize="none"
            onChange={({ currentTarget: { value } }) => onChange({ spareThumbprint: value })}
          />
        </Stack>
      )}
    </>
  )
}
