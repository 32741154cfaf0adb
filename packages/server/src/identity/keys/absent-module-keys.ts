import { KeyhavenError } from '@keyhaven/crypto'
import type { ModuleKeys } from '@keyhaven/identity'

/**
 * In a process that was not given the HSM which the settings name: it must not make keys of its own in the
 * database, next to those in the HSM.
 */
export const absentModuleKeys: ModuleKeys = {
  name: 'absent',
  ensure: () => {
    throw new KeyhavenError('STORE_UNAVAILABLE', 'these keys are in an HSM that this process has not opened')
  },
}
