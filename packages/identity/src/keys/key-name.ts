import { KeyhavenError } from '@keyhaven/crypto'

/** How MOSIP names a key: `{ appId: 'ID_REPO', refId: 'uin' }`; `refId` is empty where its table has a dash. */
export interface KeyName {
  readonly appId: string
  readonly refId: string
}

const PART = /^[A-Za-z0-9._-]{0,64}$/

export function keyName(appId: string, refId = ''): KeyName {
  return { appId, refId }
}

/** One text for each name, to look it up by and to bind it. */
export function keyNameText({ appId, refId }: KeyName): string {
  return `${appId}/${refId}`
}

/** @throws KeyhavenError `INPUT_INVALID` */
export function parseKeyName(appId: unknown, refId: unknown): KeyName {
  const ref = refId ?? ''
  if (
    typeof appId !== 'string' ||
    typeof ref !== 'string' ||
    appId === '' ||
    !PART.test(appId) ||
    !PART.test(ref)
  ) {
    throw new KeyhavenError('INPUT_INVALID', 'applicationId and referenceId: up to 64 of A-Z a-z 0-9 . _ -')
  }
  return { appId, refId: ref }
}
