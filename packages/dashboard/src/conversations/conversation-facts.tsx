import { Alert, Paper, Text } from '@mantine/core'
import type { ConversationDetails } from '../api/conversations.ts'
import { FactList } from '../parts/fact-list.tsx'
import { formatBytes } from '../parts/format-bytes.ts'
import { Icon } from '../parts/icon.tsx'
import { Time } from '../parts/time.tsx'
import { describeAge } from './describe-age.ts'
import { describeRules, MODES } from './describe-rules.ts'

interface ConversationFactsProps {
  readonly conversation: ConversationDetails
  /** Milliseconds since the epoch: when it was read. */
  readonly now: number
}

/** Who can read, the conversation in numbers, and its rules. */
export function ConversationFacts({ conversation, now }: ConversationFactsProps) {
  const { mode, currentKey, members, keys, receipts, fileBytes, sequence } = conversation
  const { colour, label, meaning } = MODES[mode]
  const rules = describeRules(conversation)
  return (
    <>
      <Alert color={colour} icon={<Icon name={mode === 'sealed' ? 'shield' : 'key'} />} title={label}>
        <Text size="sm">{meaning}</Text>
      </Alert>
      <Paper px="lg" py="sm">
        <FactList
          facts={[
            { name: 'Members', value: members.toLocaleString() },
            {
              name: 'Key age',
              value: currentKey === null ? 'No key' : describeAge(currentKey.createdAt, now),
            },
            { name: 'Keys ever made', value: keys.toLocaleString() },
            { name: 'Receipts', value: receipts.toLocaleString() },
            { name: 'Storage of files', value: formatBytes(fileBytes) },
            { name: 'Signed changes', value: sequence.toLocaleString() },
            { name: 'Created', value: <Time at={conversation.createdAt} /> },
            { name: 'Created by', value: conversation.createdBy },
            { name: 'Last change', value: <Time at={conversation.changedAt} /> },
            { name: 'History', value: rules.history, long: true },
            { name: 'Rotation', value: rules.rotation, long: true },
            { name: 'Retention', value: rules.retention, long: true },
          ]}
        />
      </Paper>
    </>
  )
}
