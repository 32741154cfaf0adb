import { X509Certificate } from 'node:crypto'
import { usageError } from '../command-error.ts'
import type { Context } from '../context.ts'
import { readInput } from '../input/read-input.ts'

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** What a PEM file holds, in its order: certificates of authorities, and others. Each is PEM. */
export interface CertificateFile {
  readonly authorities: readonly string[]
  readonly others: readonly string[]
}

/**
 * Reads certificates that go to a server.
 *
 * @param source - PEM, one certificate or more; `-` is stdin.
 * @throws CommandError if there is none, one that cannot be read, or a private key: that one stays here.
 */
export async function readCertificates(context: Context, source: string): Promise<CertificateFile> {
  const text = await readInput(context, source)
  const name = source === '-' ? 'the input' : source
  if (text.includes('PRIVATE KEY-----')) {
    throw usageError(
      `${name} holds a private key`,
      'Give a file with certificates alone; a key stays with its owner.',
    )
  }
  const blocks = text.match(BLOCK) ?? []
  if (blocks.length === 0) {
    throw usageError(`${name} holds no certificate`, 'Give PEM: it begins with -----BEGIN CERTIFICATE-----.')
  }
  const authorities: string[] = []
  const others: string[] = []
  for (const block of blocks) (isAuthority(name, block) ? authorities : others).push(block)
  return { authorities, others }
}

function isAuthority(name: string, pem: string): boolean {
  try {
    return new X509Certificate(pem).ca
  } catch {
    throw usageError(`${name} holds a certificate that cannot be read`, 'Check that the file is whole.')
  }
}
