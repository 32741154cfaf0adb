import type { ConversationDetails, ConversationMode } from '../api/conversations.ts'
import { describeSpan } from './describe-age.ts'

/** What each mode means, for who must know it before asking for anything. */
export const MODES: Readonly<
  Record<ConversationMode, { readonly label: string; readonly colour: string; readonly meaning: string }>
> = {
  managed: {
    label: 'Managed',
    colour: 'blue',
    meaning:
      'The server makes and holds the keys, so whoever runs it can read the conversation. Its members are ' +
      'shown this in the app.',
  },
  sealed: {
    label: 'Sealed',
    colour: 'green',
    meaning:
      'The keys are made on the members’ devices and wrapped to each of them. The server cannot read the ' +
      'conversation, and neither can you.',
  },
}

const MS_PER_SECOND = 1_000
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' })

/** The signed rules of a conversation, a sentence each. */
export function describeRules({ history, rotation, retentionDays }: ConversationDetails) {
  return {
    history: `${describeHistory(history.members)} ${describeDevices(history.devices)}`,
    rotation: describeRotation(rotation),
    retention: describeRetention(retentionDays),
  }
}

function describeHistory(members: ConversationDetails['history']['members']): string {
  if (members === 'all') return 'New members read everything from before.'
  if (members === 'joined') return 'New members read what is written after they join.'
  return `New members read what was written since ${DAY.format(new Date(members * MS_PER_SECOND))}.`
}

function describeDevices(devices: string): string {
  return devices === 'all'
    ? 'A member’s new device reads what its user may.'
    : 'A member’s new device reads what is written after it comes.'
}

function describeRotation({ maxAge, maxMessages }: ConversationDetails['rotation']): string {
  const limits = [
    ...(maxAge === null ? [] : [`after ${describeSpan(maxAge)}`]),
    ...(maxMessages === null ? [] : [`after ${maxMessages.toLocaleString()} messages`]),
  ]
  const always = 'when a member or device leaves'
  return limits.length === 0 ? `A new key ${always}.` : `A new key ${limits.join(', ')}, and ${always}.`
}

function describeRetention(days: number | null): string {
  if (days === null) return 'Keys and files are kept for ever.'
  const span = days === 1 ? '1 day' : `${days.toLocaleString()} days`
  return `A replaced key is erased ${span} later, and a file is kept no longer than that.`
}

const READ_RULES: Readonly<Record<string, string>> = {
  member: 'A member when it was made',
  'history-all': 'History rule: everything',
  'history-since': 'History rule: from a date on',
  made: 'Made it, or had it made',
  export: 'Export by two operators',
}

/** By what a key or file was given out. A rule that this page does not know yet is shown as it is. */
export function describeReadRule(rule: string): string {
  return Object.hasOwn(READ_RULES, rule) ? String(READ_RULES[rule]) : rule
}
