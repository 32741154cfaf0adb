import { backend, fromUtf8, toBase64url, utf8 } from '@keyhaven/crypto'
import { openPacketLayer, sealPacketLayer } from '../../src/packet/packet-layer.ts'
import { packFiles, unpackFiles } from '../../src/packet/zip-files.ts'
import type { TestStation } from '../kit/registration.ts'

export type Files = Map<string, Uint8Array>

/** What whoever has the centre's certificate can do: take a packet apart (here with K11) and seal another. */
export async function repack(
  station: TestStation,
  packet: Uint8Array,
  edit: (files: Files) => Promise<void> | void,
): Promise<Uint8Array> {
  const files = await containerOf(station, packet)
  await edit(files)
  return sealPacketLayer(backend, station.k11.recipient, packFiles(files))
}

export async function containerOf(station: TestStation, packet: Uint8Array): Promise<Files> {
  return new Map(unpackFiles(await openPacketLayer(backend, station.k11.opener, packet), 'container'))
}

export function fileOf(files: Files, end: string): string {
  return [...files.keys()].find((name) => name.endsWith(end))!
}

export function editJson(files: Files, end: string, edit: (json: Record<string, unknown>) => void): void {
  const name = fileOf(files, end)
  const json = JSON.parse(fromUtf8(files.get(name)!))
  edit(json)
  files.set(name, utf8(JSON.stringify(json)))
}

/** What only the machine can do: other contents of a sub-packet, signed, with their hash. */
export async function resign(
  station: TestStation,
  files: Files,
  name: string,
  edit: (contents: Files) => void,
): Promise<void> {
  const path = fileOf(files, `_${name}.zip`)
  const contents = new Map(
    unpackFiles(await openPacketLayer(backend, station.k11.opener, files.get(path)!), name),
  )
  edit(contents)
  await replaceZip(station, files, name, packFiles(contents))
}

export async function replaceZip(
  station: TestStation,
  files: Files,
  name: string,
  zip: Uint8Array,
): Promise<void> {
  const sealed = await sealPacketLayer(backend, station.k11.recipient, zip)
  files.set(fileOf(files, `_${name}.zip`), sealed)
  const signature = toBase64url(await station.machineKey.sign(zip))
  const encryptedhash = toBase64url(await backend.sha256(sealed))
  editJson(files, `_${name}.json`, (json) => Object.assign(json, { signature, encryptedhash }))
}
