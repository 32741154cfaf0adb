import type { Command } from 'commander'
import { describe, type Frame } from '../frame.ts'
import { trustDelegateCommand } from './trust-delegate.ts'
import { trustRootCommand } from './trust-root.ts'
import { trustInstallCommand, trustStatusCommand } from './trust-server.ts'
import { trustSwitchRootCommand } from './trust-switch-root.ts'
import { trustVerifyCommand } from './trust-verify.ts'

/** `keyhaven trust`: the root key, which can live offline, and what it signs. */
export function trustCommand(frame: Frame, program: Command): void {
  const trust = describe(program.command('trust'), 'root keys, delegations and manifests', [
    ['keyhaven trust root create --out root.json', 'On the offline machine: make the root key'],
    ['keyhaven trust status demo --json', 'On the server: see epoch and manifest key'],
    [
      'keyhaven trust delegate --root root.json --application demo --epoch 2 --manifest-key key.json --days 60',
      'Offline again: let that manifest key sign for 60 days',
    ],
    ['keyhaven trust install demo delegation.jws', 'On the server: use it'],
  ])
  trustRootCommand(frame, trust)
  trustDelegateCommand(frame, trust)
  trustInstallCommand(frame, trust)
  trustStatusCommand(frame, trust)
  trustSwitchRootCommand(frame, trust)
  trustVerifyCommand(frame, trust)
}
