import { createRoute, z } from '@hono/zod-openapi'
import { idSchema } from '../conversations/conversation-schemas.ts'
import { problemAnswers, timeSchema } from '../platform/http/schemas.ts'
import { FILES_PATH } from './tus-answer.ts'

const TUS = 'tus 1.0.0 (tus.io/protocols/resumable-upload)'
const tags = ['Files']
const params = z.object({ id: idSchema })
const version = { 'tus-resumable': z.literal('1.0.0') }
const bytes = { 'application/octet-stream': { schema: z.string().openapi({ format: 'binary' }) } }
/** The uploading device asks, and reads its place from the answer. */
const place = { headers: z.object({ 'upload-offset': z.string() }) }

/** What is inside the seal and signed by a device: for the description, as the protocol itself answers. */
export const fileApi = {
  create: createRoute({
    method: 'post',
    path: FILES_PATH,
    tags,
    summary: `Begin an upload by ${TUS}: who may write in the conversation`,
    request: {
      headers: z.object({
        ...version,
        'upload-length': z.string().openapi({ description: 'Bytes of the ciphertext' }),
        'keyhaven-conversation': idSchema,
      }),
    },
    responses: {
      201: { description: 'Location: its path. No bytes yet', headers: z.object({ location: z.string() }) },
      ...problemAnswers(400, 401, 403, 404, 413, 429, 503),
    },
  }),
  place: createRoute({
    method: 'head',
    path: `${FILES_PATH}/{id}`,
    tags,
    summary: `Where an upload goes on, by ${TUS}: the device that began it, or who may read it once it is whole`,
    request: { params, headers: z.object(version) },
    responses: {
      200: { description: 'Upload-Offset and Upload-Length', ...place },
      ...problemAnswers(401, 403, 404),
    },
  }),
  append: createRoute({
    method: 'patch',
    path: `${FILES_PATH}/{id}`,
    tags,
    summary: `The next bytes, at most 8 MiB, by ${TUS}: the device that began the upload`,
    request: {
      params,
      headers: z.object({ ...version, 'upload-offset': z.string() }),
      body: {
        content: { 'application/offset+octet-stream': { schema: z.string().openapi({ format: 'binary' }) } },
      },
    },
    responses: {
      204: { description: 'They are stored: Upload-Offset', ...place },
      ...problemAnswers(400, 401, 403, 404, 409, 413, 503),
      507: { description: 'The store is full: the same again, once there is room' },
    },
  }),
  remove: createRoute({
    method: 'delete',
    path: `${FILES_PATH}/{id}`,
    tags,
    summary: 'Give up an upload: its device. Delete a file: an owner or admin',
    request: { params, headers: z.object(version) },
    responses: { 204: { description: 'It is gone' }, ...problemAnswers(401, 403, 404, 409) },
  }),
  read: createRoute({
    method: 'get',
    path: `${FILES_PATH}/{id}`,
    tags,
    summary: 'The ciphertext, or one range of it: who might read a key made when the upload began',
    request: { params, headers: z.object({ range: z.string().optional() }) },
    responses: {
      200: { description: 'All of it; a receipt is in the log', content: bytes },
      206: { description: 'The range', content: bytes },
      416: { description: 'The file is not that long' },
      ...problemAnswers(401, 403, 404, 409),
    },
  }),
  info: createRoute({
    method: 'get',
    path: `${FILES_PATH}/{id}/info`,
    tags,
    summary: 'Whose file it is, of which conversation, and how much of it is there',
    request: { params },
    responses: {
      200: {
        description: 'Nothing of what is encrypted',
        content: {
          'application/json': {
            schema: z.object({
              id: idSchema,
              conversation: idSchema,
              membership: z.int().openapi({ description: 'Of the conversation when the upload began' }),
              by: z.object({ username: z.string(), device: z.string() }),
              bytes: z.int(),
              received: z.int(),
              complete: z.boolean(),
              createdAt: timeSchema,
            }),
          },
        },
      },
      ...problemAnswers(401, 403, 404),
    },
  }),
}
