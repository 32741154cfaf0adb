import type { DirectoryDevice } from '../admin/directory-api.ts'
import { type Column, table } from '../terminal/output.ts'

const OWNER: Column<DirectoryDevice> = { heading: 'USER', cell: (device) => device.username }
const COLUMNS: readonly Column<DirectoryDevice>[] = [
  { heading: 'DEVICE', cell: (device) => device.device },
  { heading: 'NAME', cell: (device) => device.name },
  { heading: 'STATE', cell: (device) => device.state },
  { heading: 'PROFILE', cell: (device) => device.profile },
  { heading: 'SINCE', cell: (device) => device.notBefore },
  { heading: 'EXPIRES', cell: (device) => device.expiresAt },
  { heading: 'ENDED', cell: (device) => device.endedAt },
]

/** Devices of one user. */
export function deviceTable(devices: readonly DirectoryDevice[]): string {
  return table(COLUMNS, devices, 'no devices')
}

/** Devices of several users. */
export function deviceTableWithUsers(devices: readonly DirectoryDevice[], empty: string): string {
  return table([OWNER, ...COLUMNS], devices, empty)
}
