import { directoryBase } from './directory-base.ts'
import { usePages } from './use-pages.ts'

export type ProfileName = 'x-wing' | 'x25519' | 'rsa3072' | 'rsa1024-legacy'
export type DeviceStatus = 'valid' | 'expired' | 'not-yet-valid' | 'revoked'

/** A device as its newest record has it. Times are ISO 8601. */
export interface Device {
  readonly username: string
  /** 16 random bytes, base64url. */
  readonly device: string
  /** What the user called it. */
  readonly name: string
  readonly profile: ProfileName
  readonly status: DeviceStatus
  readonly notBefore: string
  readonly expiresAt: string
  /** From when it is revoked, or its chain reset; in the future while a device can still object. */
  readonly endedAt: string | null
  /** When the newest entry about it was accepted. */
  readonly lastEntryAt: string
}

/** How far ahead to look, as the API takes it. */
export const EXPIRY_WINDOWS = ['7d', '14d', '30d', '90d'] as const
export type ExpiryWindow = (typeof EXPIRY_WINDOWS)[number]

/** Devices whose record ends within the window, the nearest end first. */
export function useExpiringDevices(applicationId: string, window: ExpiryWindow) {
  return usePages<Device>(['expiring-devices', applicationId], `${directoryBase(applicationId)}/devices`, {
    expiringWithin: window,
  })
}
