/**
 * What to do about a refusal whose problem document carries a `reason`: its code alone says too little. The
 * reasons are those of `OperatorRefused` in conversations.
 */
export const REFUSAL_ADVICE: Readonly<Record<string, string>> = {
  sealed:
    'Only the members can: `keyhaven conversations show APPLICATION CONVERSATION` lists them. A device of an ' +
    'owner, admin or member makes a new key by itself when it is due, or with `conversation.rotate()`; nobody ' +
    'can export. An owner can make it managed from then on (`setMode`); older keys stay sealed.',
  'own-request':
    'Let another operator approve it, with a token of their own: `keyhaven conversations export approve ' +
    'APPLICATION CONVERSATION EXPORT`.',
  'one-person':
    'Use two tokens of which neither operator made the other’s, nor one person both: `keyhaven audit list ' +
    '--action token.create` shows who made which.',
  'not-approved':
    'Let another operator with the role admin run `keyhaven conversations export approve APPLICATION ' +
    'CONVERSATION EXPORT` first.',
  'not-its-operator':
    'Use the token of the operator who asked for it or who approved it: `keyhaven conversations show ' +
    'APPLICATION CONVERSATION` names both.',
  'approved-already':
    'Nothing to approve: one of its two operators fetches it with `keyhaven conversations export download ' +
    'APPLICATION CONVERSATION EXPORT`.',
  'fetched-already':
    'Ask whoever fetched it (`keyhaven audit list --action conversation.export.download`), or ask for a new ' +
    'export: it needs its own two operators.',
}
