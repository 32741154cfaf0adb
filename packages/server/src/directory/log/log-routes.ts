import type { OpenAPIHono } from '@hono/zod-openapi'
import { createRoute, z } from '@hono/zod-openapi'
import { KeyhavenError } from '@keyhaven/crypto'
import {
  encodeEntryBundle,
  encodeTile,
  parseTilePath,
  TILE_WIDTH,
  type TileId,
  tileNodes,
  tileWidth,
} from '@keyhaven/directory/log'
import type { AppEnv } from '../../platform/http/call-origin.ts'
import { publicCors } from '../../platform/http/cors.ts'
import { problemAnswers } from '../../platform/http/schemas.ts'
import type { DirectoryLog } from './directory-log.ts'

/** A full tile never changes (C2SP tlog-tiles). */
const FULL_TILE_CACHING = 'public, max-age=31536000, immutable'
/** A part of one does not either, but is soon of no use. */
const PARTIAL_TILE_CACHING = 'public, max-age=3600, immutable'
const CHECKPOINT_CACHING = 'no-cache'
const NOTE_MEDIA_TYPE = 'text/plain; charset=utf-8'
const TILE_MEDIA_TYPE = 'application/octet-stream'

const tags = ['Log']
const applicationId = z.string()
const bytes = { 'application/octet-stream': { schema: z.string().openapi({ format: 'binary' }) } }

/** Served by the same code inside the channel, below `/v1/directory/log/`. */
export const logRoutes = {
  checkpoint: createRoute({
    method: 'get',
    path: '/log/{applicationId}/checkpoint',
    tags,
    summary: 'The log’s newest checkpoint (C2SP tlog-checkpoint), with its witnesses’ cosignatures',
    request: { params: z.object({ applicationId }) },
    responses: {
      200: { description: 'Signed note', content: { 'text/plain': { schema: z.string() } } },
      ...problemAnswers(404, 503),
    },
  }),
  tile: createRoute({
    method: 'get',
    path: '/log/{applicationId}/tile/{level}/{index}',
    tags,
    summary: 'A tile of hashes (C2SP tlog-tiles); a partial one ends in .p/ and its width',
    request: { params: z.object({ applicationId, level: z.string(), index: z.string() }) },
    responses: {
      200: { description: 'Hashes of 32 bytes', content: bytes },
      ...problemAnswers(400, 404, 503),
    },
  }),
  entries: createRoute({
    method: 'get',
    path: '/log/{applicationId}/tile/entries/{index}',
    tags,
    summary: 'A bundle of up to 256 entries (C2SP tlog-tiles)',
    request: { params: z.object({ applicationId, index: z.string() }) },
    responses: {
      200: { description: 'Each behind its length, 2 bytes', content: bytes },
      ...problemAnswers(400, 404, 503),
    },
  }),
}

/** The log, for everybody: it names nobody. */
export function addLogRoutes<Env extends AppEnv>(
  app: OpenAPIHono<Env>,
  log: DirectoryLog,
  serves: (applicationId: string) => boolean,
): void {
  app.use('/log/*', publicCors())
  app.get('/log/:applicationId/*', (c) => {
    const id = c.req.param('applicationId')
    if (!serves(id)) throw new KeyhavenError('NOT_FOUND', 'there is no such application')
    const { pathname } = new URL(c.req.url)
    return serveLog(log, id, pathname.slice(`/log/${id}/`.length))
  })
}

/** @param path - `checkpoint`, or `tile/…`. */
export async function serveLog(log: DirectoryLog, applicationId: string, path: string): Promise<Response> {
  if (path === 'checkpoint') {
    const { note } = await log.checkpoint(applicationId)
    return respond(note, NOTE_MEDIA_TYPE, CHECKPOINT_CACHING)
  }
  if (!path.startsWith('tile/')) throw new KeyhavenError('NOT_FOUND', 'there is nothing at this address')
  const tile = parseTilePath(path)
  const content = await readTile(log, applicationId, tile)
  return respond(
    content,
    TILE_MEDIA_TYPE,
    tile.width === TILE_WIDTH ? FULL_TILE_CACHING : PARTIAL_TILE_CACHING,
  )
}

async function readTile(
  log: DirectoryLog,
  applicationId: string,
  tile: TileId,
): Promise<Uint8Array<ArrayBuffer>> {
  const { size } = await log.head(applicationId)
  if (tileWidth(tile, size) < tile.width) throw new KeyhavenError('NOT_FOUND', 'the log has no such tile yet')
  if (tile.level === 'entries') {
    return encodeEntryBundle(await log.leaves(applicationId, tile.index * TILE_WIDTH, tile.width))
  }
  return encodeTile(await log.nodes(applicationId).read(tileNodes(tile)))
}

function respond(content: BodyInit, type: string, caching: string): Response {
  return new Response(content, {
    headers: { 'content-type': type, 'cache-control': caching, 'x-content-type-options': 'nosniff' },
  })
}
