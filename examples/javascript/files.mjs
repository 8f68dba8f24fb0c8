// Files of messages: uploads to Supabase Storage with progress, and what Storage refuses.

import { networkError, ParleyError } from './errors.mjs'

/**
 * @import { SupabaseClient } from '@supabase/supabase-js'
 * @import { UploadOptions } from './types.js'
 */

export const BUCKET = 'attachments'

/**
 * A new name for a file of this user: unique, and said to Storage again when an upload is repeated.
 *
 * @param {string} conversationId
 * @param {string} userId
 * @param {string} name what the user calls it
 */
export function newPath(conversationId, userId, name) {
  const ending = /\.([a-z0-9]{1,10})$/.exec(name.toLowerCase())?.[1] ?? 'bin'
  return `${conversationId.toLowerCase()}/${userId}/${crypto.randomUUID()}.${ending}`
}

/**
 * The type of a file without parameters (`audio/webm;codecs=opus`), which Storage would not know.
 *
 * @param {Blob} blob
 */
export function mediaType(blob) {
  return blob.type.split(';', 1)[0].trim().toLowerCase() || 'application/octet-stream'
}

/**
 * Upload a file once. That it is there already is a success: an earlier try has arrived. Rejects
 * with ParleyError, or with the signal's reason when it is called off.
 *
 * @param {SupabaseClient<any, any, any>} supabase
 * @param {string} path
 * @param {Blob} blob
 * @param {UploadOptions} [options]
 */
export async function putFile(supabase, path, blob, { onProgress, signal } = {}) {
  signal?.throwIfAborted()
  const { data } = await supabase.auth.getSession()
  const { supabaseKey } = /** @type {{supabaseKey: string}} */ (/** @type {unknown} */ (supabase))
  const url = supabase.storage.from(BUCKET).getPublicUrl(path).data.publicUrl
    .replace('/object/public/', '/object/')
  const headers = {
    apikey: supabaseKey,
    authorization: `Bearer ${data.session?.access_token}`,
    'content-type': mediaType(blob),
  }
  const send = typeof XMLHttpRequest === 'undefined' ? putWithFetch : putWithProgress
  const { status, text } = await send(url, headers, blob, onProgress ?? (() => {}), signal)
  if (status === 200) return
  const error = readStorageError(text, status)
  if (error.status !== 409) throw error
}

/**
 * Only XMLHttpRequest tells how far an upload is.
 *
 * @param {string} url
 * @param {Record<string, string>} headers
 * @param {Blob} blob
 * @param {(fraction: number) => void} onProgress
 * @param {AbortSignal} [signal]
 * @returns {Promise<{status: number, text: string}>}
 */
function putWithProgress(url, headers, blob, onProgress, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    const abort = () => request.abort()
    request.open('POST', url)
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value)
    request.upload.onprogress = ({ loaded, total }) => onProgress(total ? loaded / total : 1)
    request.onload = () => resolve({ status: request.status, text: request.responseText })
    request.onerror = () => reject(networkError('the upload broke off'))
    request.onabort = () => reject(signal?.reason)
    request.onloadend = () => signal?.removeEventListener('abort', abort)
    signal?.addEventListener('abort', abort)
    request.send(new Blob([blob], { type: headers['content-type'] }))
  })
}

/**
 * The same where there is no XMLHttpRequest: progress is known at the end.
 *
 * @type {typeof putWithProgress}
 */
async function putWithFetch(url, headers, blob, onProgress, signal) {
  try {
    const answer = await fetch(url, { method: 'POST', headers, body: blob, signal: signal ?? null })
    const text = await answer.text()
    if (answer.ok) onProgress(1)
    return { status: answer.status, text }
  } catch (error) {
    if (signal?.aborted) throw signal.reason
    throw networkError(error)
  }
}

/**
 * A refusal of Storage. Its HTTP status is mostly 400; the true one is in the body. The code is
 * Storage's, e.g. AccessDenied, InvalidMimeType, EntityTooLarge, NoSuchKey.
 *
 * @param {string} text
 * @param {number} status
 */
export function readStorageError(text, status) {
  if (!status) return networkError(text)
  try {
    const { statusCode, error, code, message } = JSON.parse(text)
    return new ParleyError(message, code ?? error, null, Number(statusCode) || status)
  } catch {
    return new ParleyError('Storage cannot be reached.', String(status), null, status)
  }
}
