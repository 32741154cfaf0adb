import type { ChainEntry, DirectoryDevice } from '../admin/directory-api.ts'

/** Who signed an entry. */
export function signerText({ signer }: ChainEntry, devices: readonly DirectoryDevice[]): string {
  switch (signer.kind) {
    case 'device':
      return nameOf(signer.device ?? '', devices)
    case 'recovery':
      return 'recovery key'
    case 'authority':
      return 'operator'
  }
}

/** What an entry is about, beside its kind. */
export function subjectText(entry: ChainEntry, devices: readonly DirectoryDevice[]): string {
  const { kind, device, reason, effectiveAt, acceptedAt, objectsTo } = entry
  const later = effectiveAt !== null && Date.parse(effectiveAt) > Date.parse(acceptedAt)
  return [
    device !== null && nameOf(device, devices),
    later && `from ${effectiveAt}`,
    kind === 'objection' && objectsTo !== null && `to ${objectsTo}`,
    reason !== null && `(${reason})`,
  ]
    .filter(Boolean)
    .join(' ')
}

function nameOf(id: string, devices: readonly DirectoryDevice[]): string {
  return devices.find(({ device }) => device === id)?.name ?? id
}
