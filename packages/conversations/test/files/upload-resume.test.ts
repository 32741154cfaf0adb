import { describe, expect, test } from 'vitest'
import type { UploadState } from '../../src/files/upload-state.ts'
import { backOf, code, content, inPieces, MEBIBYTE, onPatch, PIECE, start } from './uploads.ts'

describe('an upload that is paused', () => {
  const plain = content(20 * MEBIBYTE)

  test.each([
    ['a Blob', () => new Blob([plain])],
    ['a stream', () => new Blob([plain]).stream()],
  ])('goes on from %s in the same process', async (_, source) => {
    const run = start()
    const { server, files } = run
    const upload = files.createUpload(source(), { name: 'f', size: plain.length })
    const pause = new AbortController()
    server.fault = onPatch(2, () => {
      pause.abort()
      throw pause.signal.reason
    })
    await expect(upload.run(pause.signal)).rejects.toThrow(/abort/i)
    const before = server.calls.length
    expect(Buffer.compare(await backOf(run, await upload.run()), plain)).toBe(0)
    const after = server.calls.slice(before, before + 3).map(({ method }) => method)
    expect(after).toEqual(['HEAD', 'PATCH', 'PATCH'])
    expect(server.files.size).toBe(1)
  })

  test('while a slow source is read, loses nothing of it', async () => {
    const run = start()
    const pause = new AbortController()
    let go: () => void = () => {}
    const slow = new Promise<void>((resolve) => {
      go = resolve
    })
    async function* source() {
      yield plain.subarray(0, 10 * MEBIBYTE)
      pause.abort()
      await slow
      yield plain.subarray(10 * MEBIBYTE)
    }
    const upload = run.files.createUpload(source(), { name: 'f', size: plain.length })
    await expect(upload.run(pause.signal)).rejects.toThrow(/abort/i)
    go()
    expect(Buffer.compare(await backOf(run, await upload.run()), plain)).toBe(0)
  })

  test('runs once at a time', async () => {
    const { files } = start()
    const upload = files.createUpload(new Blob([plain]), { name: 'f' })
    const running = upload.run()
    await expect(upload.run()).rejects.toThrow(TypeError)
    await expect(upload.discard()).rejects.toThrow(TypeError)
    await running
  })

  test('can be given up', async () => {
    const { server, files } = start()
    const upload = files.createUpload(new Blob([plain]), { name: 'f' })
    await expect(upload.run(AbortSignal.abort())).rejects.toThrow(/abort/i)
    await upload.discard()
    await upload.run()
    expect(server.files.size).toBe(1)
    await upload.discard()
    expect(server.files.size).toBe(0)
  })
})

describe('an upload that goes on after a restart', () => {
  const plain = content(20 * MEBIBYTE)

  /** Ends in the middle, as by a crash. @returns what the app had kept. */
  async function crashed(run: ReturnType<typeof start>, atPatch = 2, arrived = false): Promise<UploadState> {
    let kept: UploadState | undefined
    const crash = new AbortController()
    run.server.fault = onPatch(atPatch, (_, usual) => {
      if (arrived) usual()
      crash.abort()
      throw crash.signal.reason
    })
    const onState = (state: UploadState) => {
      kept = JSON.parse(JSON.stringify(state)) as UploadState
    }
    const upload = run.files.upload(new Blob([plain]), { name: 'f', onState, signal: crash.signal })
    await expect(upload).rejects.toThrow(/abort/i)
    run.server.fault = undefined
    return kept!
  }

  test.each([
    [1, false],
    [1, true],
    [2, false],
    [2, true],
    [3, false],
    [3, true],
  ])('at piece %i, which arrived: %s', async (patch, arrived) => {
    const run = start()
    const resume = await crashed(run, patch, arrived)
    const before = run.server.calls.length
    const file = await run.files.upload(new Blob([plain]), { name: 'another name', resume })
    expect(file.name).toBe('f')
    expect(Buffer.compare(await backOf(run, file), plain)).toBe(0)
    const patches = run.server.calls.slice(before).filter(({ method }) => method === 'PATCH')
    expect(patches.length).toBe(3 - patch + (arrived ? 0 : 1))
  })

  test('from a stream that begins again', async () => {
    const run = start()
    const resume = await crashed(run)
    const file = await run.files.upload(inPieces(plain, 100_000), { name: 'f', resume })
    expect(Buffer.compare(await backOf(run, file), plain)).toBe(0)
  })

  test('refuses another source before any byte of it goes out under the same key', async () => {
    const run = start()
    const resume = await crashed(run)
    for (const at of [0, PIECE + 5]) {
      const other = plain.slice()
      other[at]! ^= 1
      const before = run.server.calls.length
      const upload = run.files.upload(new Blob([other]), { name: 'f', resume })
      await expect(upload).rejects.toEqual(code('INPUT_INVALID'))
      expect(run.server.calls.slice(before).map(({ method }) => method)).toEqual(['HEAD'])
    }
  })

  test('refuses a state that is not of this conversation, or older than what was sent', async () => {
    const run = start()
    const old = await crashed(run, 1, true)
    for (const wrong of [
      { ...old, conversation: 'BBBBBBBBBBBBBBBBBBBBBB' },
      { ...old, id: 'x' },
      { ...old, more: 1 },
      { ...old, v: 2 },
      { ...old, header: '{}' },
      'state',
    ]) {
      const resume = wrong as UploadState
      const upload = run.files.upload(new Blob([plain]), { name: 'f', resume })
      await expect(upload, JSON.stringify(wrong)).rejects.toEqual(code('INPUT_INVALID'))
    }
    await run.files.upload(new Blob([plain]), { name: 'f', resume: old })
    const before = run.server.calls.length
    const again = run.files.upload(new Blob([plain]), { name: 'f', resume: old })
    await expect(again).rejects.toEqual(code('UPLOAD_CONFLICT'))
    expect(run.server.calls.slice(before).map(({ method }) => method)).toEqual(['HEAD'])
  })
})
