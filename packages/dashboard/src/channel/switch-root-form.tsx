import { Alert, Button, Stack, Text } from '@mantine/core'
import { type Trust, useSwitchRoot } from '../api/trust.ts'
import { ConfirmationForm } from '../parts/confirmation-form.tsx'
import { Icon } from '../parts/icon.tsx'

interface SwitchRootFormProps {
  readonly applicationId: string
  readonly trust: Trust
  readonly onClose: () => void
}

/** Asks for the application's id and a reason, then says what the operator has to do. */
export function SwitchRootForm({ applicationId, trust, onClose }: SwitchRootFormProps) {
  const switching = useSwitchRoot(applicationId, trust.rootThumbprints[0])
  if (switching.data !== undefined) {
    return (
      <Stack gap="md">
        <Alert role="status" color="blue" icon={<Icon name="check" />} title="The spare is the root now">
          <Text size="sm">{switching.data.text}</Text>
        </Alert>
        <Button onClick={onClose} data-autofocus style={{ alignSelf: 'flex-end' }}>
          Done
        </Button>
      </Stack>
    )
  }
  return (
    <ConfirmationForm
      subject={{ kind: 'application', id: applicationId }}
      submit="Switch to the spare root"
      busy={switching.isPending}
      error={switching.error}
      onConfirmed={(reason) => switching.mutate(reason)}
      onCancel={onClose}
    >
      <Text size="sm">
        The present root key is revoked and its private part erased. The spare signs from now on, in a new
        epoch, and a new spare is made. This cannot be undone.
      </Text>
      <Text size="sm">
        Apps that ship both thumbprints notice nothing. An app that does not ship the spare refuses this
        server.
      </Text>
    </ConfirmationForm>
  )
}
