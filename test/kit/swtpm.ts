import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const MODULE = '/usr/lib/x86_64-linux-gnu/pkcs11/libtpm2_pkcs11.so'
const PIN = '275913'
const TOOLS = '/usr/bin'

export interface TestTpm {
  /** As the settings of PKCS#11 name it. */
  readonly location: { readonly module: string; readonly slotLabel: string; readonly pinFile: string }
  stop(): Promise<void>
}

/** A TPM 2.0 in software with one PKCS#11 token. The module reads its places from the environment, once. */
export async function startSoftwareTpm(label = 'machine'): Promise<TestTpm> {
  const folder = mkdtempSync(join(tmpdir(), 'keyhaven-tpm-'))
  const [state, store, wrappers] = ['state', 'store', 'bin'].map((name) => join(folder, name))
  for (const each of [state!, store!, wrappers!]) mkdirSync(each)
  const port = await freePair()
  const tcti = `swtpm:host=127.0.0.1,port=${port}`
  const child = spawn(
    'swtpm',
    [
      ...['socket', '--tpm2', '--tpmstate', `dir=${state}`],
      ...['--ctrl', `type=tcp,port=${port + 1},bindaddr=127.0.0.1`],
      ...['--server', `type=tcp,port=${port},bindaddr=127.0.0.1`, '--flags', 'not-need-init,startup-clear'],
    ],
    { stdio: 'ignore' },
  )
  const kill = (): void => {
    child.kill('SIGKILL')
  }
  process.once('exit', kill)
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', () => reject(new Error('swtpm is not installed: apt-get install swtpm')))
  })
  flushAfterEachTool(wrappers!)
  Object.assign(process.env, { TPM2_PKCS11_TCTI: tcti, TPM2_PKCS11_STORE: store })
  const env = {
    ...process.env,
    ...{ TPM2TOOLS_TCTI: tcti, TSS2_LOG: 'all+NONE', PATH: `${wrappers}:${process.env.PATH}` },
  }
  await run('tpm2_ptool', ['init', '--path', store!], { env })
  const token = ['addtoken', '--pid', '1', '--sopin', '918273', '--userpin', PIN, '--label', label]
  await run('tpm2_ptool', [...token, '--path', store!], { env })
  const pinFile = join(folder, 'pin')
  writeFileSync(pinFile, `${PIN}\n`, { mode: 0o600 })
  return {
    location: { module: MODULE, slotLabel: label, pinFile },
    stop: async () => {
      process.off('exit', kill)
      const exited = once(child, 'exit')
      kill()
      await exited
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The tools leave objects in the TPM, which has room for three: each flushes after itself. */
function flushAfterEachTool(folder: string): void {
  for (const name of readdirSync(TOOLS).filter((each) => /^tpm2(_(?!ptool).*)?$/.test(each))) {
    const file = join(folder, name)
    writeFileSync(
      file,
      `#!/bin/sh\n${TOOLS}/${name} "$@"\ncode=$?\n${TOOLS}/tpm2_flushcontext -t >/dev/null 2>&1\nexit $code\n`,
    )
    chmodSync(file, 0o755)
  }
}

/** Two ports side by side: commands and control. */
async function freePair(): Promise<number> {
  for (;;) {
    const [first, second] = [createServer(), createServer()]
    try {
      await once(first.listen(0, '127.0.0.1'), 'listening')
      const { port } = first.address() as { port: number }
      await once(second.listen(port + 1, '127.0.0.1'), 'listening')
      return port
    } catch {
      // The neighbour is taken.
    } finally {
      first.close()
      second.close()
    }
  }
}
