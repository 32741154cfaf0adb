import { KeyhavenError } from '@keyhaven/crypto'
import { deviceStatus } from './device-at.ts'
import type { DeviceState, HistoryItem, RecoveryState, UserState } from './user-state.ts'

/** A device without what depends on the time of the look. */
export type LedgerDevice = Omit<DeviceState, 'status'>

/** A user's state while entries are applied to it. Its devices are replaced, never changed. */
export interface Ledger {
  readonly application: string
  readonly username: string
  chain: number
  sequence: number
  head: string | null
  issued: number
  /** By device id. */
  devices: Map<string, LedgerDevice>
  readonly former: LedgerDevice[]
  recovery: RecoveryState | undefined
  nextRecovery: RecoveryState | undefined
  readonly usedKeys: Set<string>
  readonly history: HistoryItem[]
}

export function openLedger(state: UserState): Ledger {
  return {
    application: state.application,
    username: state.username,
    chain: state.chain,
    sequence: state.sequence,
    head: state.head,
    issued: state.issued,
    devices: new Map(state.devices.map((device) => [device.device, withoutStatus(device)])),
    former: state.former.map(withoutStatus),
    recovery: state.recoveryKeys.current,
    nextRecovery: state.recoveryKeys.next,
    usedKeys: new Set(state.usedKeys),
    history: [...state.history],
  }
}

export function closeLedger(ledger: Ledger, now: number): UserState {
  const withStatus = (device: LedgerDevice): DeviceState => ({ ...device, status: deviceStatus(device, now) })
  const { recovery: current, nextRecovery: next } = ledger
  const inForce = recoveryAt(ledger, now)
  return {
    application: ledger.application,
    username: ledger.username,
    chain: ledger.chain,
    sequence: ledger.sequence,
    head: ledger.head,
    issued: ledger.issued,
    at: now,
    devices: Array.from(ledger.devices.values(), withStatus),
    former: ledger.former.map((device) => ({ ...device, status: 'revoked' })),
    ...(inForce && { recovery: inForce }),
    recoveryKeys: { ...(current && { current }), ...(next && { next }) },
    usedKeys: [...ledger.usedKeys],
    history: ledger.history,
  }
}

export function recoveryAt(
  ledger: Pick<Ledger, 'recovery' | 'nextRecovery'>,
  at: number,
): RecoveryState | undefined {
  const { recovery, nextRecovery } = ledger
  return nextRecovery && at >= nextRecovery.effective ? nextRecovery : recovery
}

/** Whether the next entry must be a self-signed device. */
export function awaitsFirstDevice(ledger: Pick<Ledger, 'head' | 'history'>): boolean {
  return ledger.head === null || ledger.history.at(-1)?.kind === 'reset'
}

/** Devices that are not revoked at a time; expired ones count: they can be renewed. */
export function liveDevices(ledger: Pick<Ledger, 'devices'>, at: number): LedgerDevice[] {
  return [...ledger.devices.values()].filter((device) => deviceStatus(device, at) !== 'revoked')
}

/** @throws KeyhavenError `CHAIN_BROKEN` */
export function breaks(message: string): never {
  throw new KeyhavenError('CHAIN_BROKEN', message)
}

function withoutStatus({ status: _, ...device }: DeviceState): LedgerDevice {
  return device
}
