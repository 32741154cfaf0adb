import type { Config } from '@keyhaven/server/maintenance'
import { type Check, failed, failedBy, ok } from './check.ts'

const NAME = 'HSM'

/** What the HSM can do, if the settings name one. */
export async function checkHsm(config: Config): Promise<Check[]> {
  const location = config.identity?.pkcs11
  if (location === undefined) return []
  const { describeHsm } = await import('@keyhaven/server/maintenance')
  try {
    const { token, can, instead, lacks } = await describeHsm(location)
    const detail = [`${token}: ${can.join(', ')}`, ...instead].join('; ')
    if (lacks.length === 0) return [ok(NAME, detail)]
    const advice =
      'Use another token, or leave KEYHAVEN_PKCS11_MODULE out: keys are then under the master key.'
    return [failed(NAME, `${detail}; it lacks: ${lacks.join(', ')}`, advice)]
  } catch (error) {
    return [failedBy(NAME, error, 'Check KEYHAVEN_PKCS11_MODULE, _SLOT_LABEL and _PIN_FILE.')]
  }
}
