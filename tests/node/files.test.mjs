// Files through supabase-js. tests/end_to_end/test_files.py runs this file.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { ParleyError, talking } from './support.mjs'

const picture = () => new File([crypto.randomUUID().repeat(1000)], 'Tea House.PNG', { type: 'image/png' })

/** Counts what is asked of Storage, and fails as `trouble` says; undo it with the answer. */
function watchUploads(trouble = () => {}) {
  const { fetch } = globalThis
  const uploads = []
  globalThis.fetch = async (url, request) => {
    if (request?.method !== 'POST' || !String(url).includes('/object/attachments/')) {
      return fetch(url, request)
    }
    uploads.push(String(url))
    await trouble('before', uploads.length, request)
    const answer = await fetch(url, request)
    await trouble('after', uploads.length, request)
    return answer
  }
  return { uploads, undo: () => { globalThis.fetch = fetch } }
}

test('a file is sent, heard of and shown', () =>
  talking(async ({ asha, bharat, chitra, id }) => {
    const file = picture()
    const progress = []
    const { message } = await asha.client.send(id, '', {
      files: [file, { blob: picture(), name: 'two.png', width: 64, height: 48 }],
      onProgress: (fraction) => progress.push(fraction),
    })
    const [told, second] = message.attachments
    assert.deepEqual(
      [told.name, told.media_type, told.size, told.width],
      ['Tea House.PNG', 'image/png', file.size, null],
    )
    assert.deepEqual([second.width, second.height], [64, 48])
    assert.equal(progress.at(-1), 1)
    assert.deepEqual(progress, progress.toSorted((a, b) => a - b))
    const heard = await bharat.hears('new_message')
    assert.deepEqual(heard.message.attachments, message.attachments)
    const shown = await fetch(await bharat.client.fileUrl(message, told))
    assert.equal(await shown.text(), await file.text())
    const saved = await fetch(await bharat.client.fileUrl(message, told, { download: true }))
    assert.match(saved.headers.get('content-disposition'), /^attachment; .*Tea%20House\.PNG/)
    await assert.rejects(
      chitra.client.fileUrl(message, told),
      (error) => error instanceof ParleyError && error.status === 404,
    )
  }))

test('a lost answer makes no second file', () =>
  talking(async ({ asha, id }) => {
    const { uploads, undo } = watchUploads((when, count) => {
      if (when === 'after' && count === 1) throw new TypeError('connection lost')
    })
    try {
      const { message } = await asha.client.send(id, 'once', { files: [picture()] })
      assert.equal(message.attachments.length, 1)
      assert.equal(uploads.length, 2)
      assert.equal(new Set(uploads).size, 1)
    } finally {
      undo()
    }
  }))

test('what has arrived is not uploaded again when the message is refused and sent again', () =>
  talking(async ({ asha, id }) => {
    const files = [picture()]
    await assert.rejects(
      asha.client.send(id, 'x'.repeat(5001), { files }),
      (error) => error.errorCode === 'MESSAGE_TOO_LONG',
    )
    const { message } = await asha.client.send(id, 'x', { files })
    const { data } = await asha.client.supabase.storage.from('attachments')
      .list(`${id}/${asha.client.userId}`)
    assert.deepEqual(data.map(({ name }) => message.attachments[0].path.endsWith(name)), [true])
    // The next message with the same File gets a copy of its own.
    const again = await asha.client.send(id, 'y', { files })
    assert.notEqual(again.message.attachments[0].path, message.attachments[0].path)
  }))

test('an upload that is called off leaves nothing', () =>
  talking(async ({ asha, id }) => {
    const controller = new AbortController()
    const { uploads, undo } = watchUploads((when, count) => {
      if (when === 'before' && count === 2) controller.abort(new Error('not this one'))
    })
    try {
      await assert.rejects(
        asha.client.send(id, '', { files: [picture(), picture()], signal: controller.signal }),
        /not this one/,
      )
      assert.equal(uploads.length, 2)
      const { data } = await asha.client.supabase.storage.from('attachments')
        .list(`${id}/${asha.client.userId}`)
      assert.deepEqual(data, [])
    } finally {
      undo()
    }
  }))

test('what disappears is signed for a minute', () =>
  talking(async ({ asha, bharat, id }) => {
    const { message } = await asha.client.send(id, '', { files: [picture()], expiration_hours: 1 })
    const heard = await bharat.hears('new_message')
    assert.ok(heard.message.attachments, 'a sync brings what the event leaves out')
    const url = new URL(await bharat.client.fileUrl(message, message.attachments[0]))
    const { iat, exp } = JSON.parse(atob(url.searchParams.get('token').split('.')[1]))
    assert.ok(exp - iat <= 60)
  }))

test('a refusal of Storage is a ParleyError with its code', () =>
  talking(async ({ asha, chitra, id }) => {
    const code = (wanted) => (error) => error instanceof ParleyError && error.errorCode === wanted
    await assert.rejects(chitra.client.upload(id, picture()), code('AccessDenied'))
    const page = { blob: new Blob(['<p>'], { type: 'text/html' }), name: 'a.html' }
    await assert.rejects(asha.client.upload(id, page), code('InvalidMimeType'))
    const large = { blob: new Blob([new Uint8Array(10_485_761)], { type: 'image/png' }) }
    await assert.rejects(asha.client.upload(id, large), code('EntityTooLarge'))
  }))
