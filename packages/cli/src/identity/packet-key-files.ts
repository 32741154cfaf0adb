import { createPrivateKey, type KeyObject } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { RsaPrivateKey } from '@keyhaven/crypto'
import type { Certificate, MachineKey, SessionKeyOpener } from '@keyhaven/identity'
import { usageError } from '../command-error.ts'
import type { Context } from '../context.ts'

/** What MOSIP's registration client calls them, in its folder `.mosipkeys`. */
const PRIVATE_KEY_FILE = 'reg.key'
const PUBLIC_KEY_FILE = 'reg.pub'
const README_FILE = 'readme.txt'
const KEY_INDEX = /^\s*KeyIndex\s*[:=]\s*([0-9A-Fa-f:]+)\s*$/m
const CERTIFICATE_ADVICE = 'Give the certificate of REGISTRATION / centre_machine as PEM or DER.'

/** A certificate as PEM or DER. */
export async function readCertificate(context: Context, file: string): Promise<Certificate> {
  const { parseCertificate } = await import('@keyhaven/identity')
  const bytes = await readFile(resolve(context.cwd, file))
  const text = bytes.toString('latin1')
  try {
    return parseCertificate(text.includes('-----BEGIN') ? text : new Uint8Array(bytes))
  } catch {
    throw usageError(`${file} is not a certificate`, CERTIFICATE_ADVICE)
  }
}

/** The private key that a packet was encrypted for, PKCS#8 as PEM or DER, and its certificate. */
export async function readOpener(
  context: Context,
  keyFile: string,
  certificateFile: string,
): Promise<SessionKeyOpener> {
  const { backend, equalConstantTime, openFailed } = await import('@keyhaven/crypto')
  const { thumbprint: own, publicKey } = await readCertificate(context, certificateFile)
  const key = await importKey(await readFile(resolve(context.cwd, keyFile)), keyFile)
  if (!equalConstantTime(key.publicKey.spki, publicKey.spki)) {
    throw usageError(
      `${keyFile} is not the key of ${certificateFile}`,
      'Give the certificate that belongs to the private key.',
    )
  }
  return {
    async open(thumbprint, wrapped) {
      if (thumbprint !== undefined && !equalConstantTime(thumbprint, own)) throw openFailed()
      return backend.rsa.decryptOaep(key, wrapped)
    },
  }
}

/**
 * The machine key in a folder such as `.mosipkeys`: `reg.key` (PKCS#8) and `reg.pub` (SubjectPublicKeyInfo), DER;
 * where there is a `readme.txt`, its `KeyIndex` must be that of the key.
 */
export async function readMachineKey(context: Context, folder: string): Promise<MachineKey> {
  const { backend, equalConstantTime } = await import('@keyhaven/crypto')
  const { machineKeyIndex, softwareMachineKey } = await import('@keyhaven/identity')
  const path = (name: string): string => join(resolve(context.cwd, folder), name)
  const key = await importKey(await readFile(path(PRIVATE_KEY_FILE)), PRIVATE_KEY_FILE)
  const publicKey = new Uint8Array(await readFile(path(PUBLIC_KEY_FILE)))
  const mixed = (file: string): Error =>
    usageError(
      `${file} in ${folder} is not of the key in ${PRIVATE_KEY_FILE}`,
      'Give a folder with the files of one machine.',
    )
  if (!equalConstantTime(publicKey, key.publicKey.spki)) throw mixed(PUBLIC_KEY_FILE)
  const readme = await readFile(path(README_FILE), 'utf8').catch(() => '')
  const index = KEY_INDEX.exec(readme)?.[1]?.toLowerCase()
  if (index !== undefined && index !== (await machineKeyIndex(publicKey))) throw mixed(README_FILE)
  return softwareMachineKey(backend, key)
}

async function importKey(bytes: Buffer, file: string): Promise<RsaPrivateKey> {
  const { backend } = await import('@keyhaven/crypto')
  try {
    const key = readPrivateKey(bytes)
    const pkcs8 = new Uint8Array(key.export({ format: 'der', type: 'pkcs8' }))
    return await backend.rsa.importPrivateKey(pkcs8)
  } catch {
    throw usageError(
      `${file} is not an RSA key`,
      'Give a private RSA key of at least 2048 bits, as PEM or DER.',
    )
  }
}

/** PEM, or DER in PKCS#8; `openssl genpkey -outform DER` writes RSA keys in PKCS#1. */
export function readPrivateKey(bytes: Buffer): KeyObject {
  if (bytes.toString('latin1').includes('-----BEGIN')) return createPrivateKey(bytes)
  try {
    return createPrivateKey({ key: bytes, format: 'der', type: 'pkcs8' })
  } catch {
    return createPrivateKey({ key: bytes, format: 'der', type: 'pkcs1' })
  }
}
