import type { Trust } from '../api/trust.ts'

/**
 * The command that signs a delegation with the offline root key; its defaults are of
 * `keyhaven trust delegate`.
 */
export function delegateCommand(applicationId: string, trust: Trust): string {
  return [
    'keyhaven trust delegate',
    '--root root.json',
    `--application ${applicationId}`,
    `--epoch ${trust.epoch}`,
    `--manifest-key '${JSON.stringify(trust.manifestKey)}'`,
  ].join(' ')
}
