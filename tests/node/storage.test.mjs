// supabase-js and a bucket in which everybody has a folder. tests/end_to_end/test_storage_sdk.py runs this file.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createClient } from '@supabase/supabase-js'

const { SUPABASE_URL: url, SUPABASE_ANON_KEY: key, BUCKET, EMAILS, PASSWORD: password } = process.env

async function signedIn(email) {
  const client = createClient(url, key, { auth: { persistSession: false, autoRefreshToken: false } })
  const { data, error } = await client.auth.signInWithPassword({ email, password })
  assert.equal(error, null)
  return { files: client.storage.from(BUCKET), id: data.user.id }
}
const [asha, chitra] = await Promise.all(EMAILS.split(' ').map(signedIn))
const png = (text) => new Blob([text], { type: 'image/png' })

/** The data of an answer that is no error. */
async function given(answer) {
  const { data, error } = await answer
  assert.equal(error, null)
  return data
}

async function refused(answer, statusCode, code, message) {
  const { data, error } = await answer
  assert.equal(data, null)
  assert.deepEqual(
    { ...error.toJSON(), status: error.status },
    { name: 'StorageApiError', status: 400, statusCode, code, message },
  )
}

test('a file goes up, is seen and goes away', async () => {
  const { files, id } = asha
  const path = `${id}/js/a photo (1).png`
  const done = await given(files.upload(path, png('PNG'), { metadata: { caption: 'Grüße' } }))
  assert.deepEqual([done.path, done.fullPath], [path, `${BUCKET}/${path}`])
  assert.equal(await (await given(files.download(path))).text(), 'PNG')
  assert.equal(await given(files.exists(path)), true)
  const known = await given(files.info(path))
  assert.deepEqual([known.size, known.contentType, known.metadata], [3, 'image/png', { caption: 'Grüße' }])
  assert.deepEqual((await given(files.list(`${id}/js`))).map(({ name }) => name), ['a photo (1).png'])

  await given(files.update(path, png('PNG2')))
  assert.equal(await (await given(files.download(path))).text(), 'PNG2')
  await given(files.move(path, `${id}/js/moved.png`))
  await given(files.copy(`${id}/js/moved.png`, `${id}/js/copied.png`))
  const removed = await given(files.remove(['moved', 'copied', 'none'].map((name) => `${id}/js/${name}.png`)))
  assert.equal(removed.length, 2)
  assert.deepEqual(await given(files.list(`${id}/js`)), [])
})

test('an address is signed for whoever holds it', async () => {
  const { files, id } = asha
  const path = `${id}/js/note.txt`
  await given(files.upload(path, new Blob(['hello'], { type: 'text/plain;charset=UTF-8' })))
  const { signedUrl } = await given(files.createSignedUrl(path, 60, { download: 'my note.txt' }))
  const answer = await fetch(signedUrl)
  assert.equal(await answer.text(), 'hello')
  assert.match(answer.headers.get('content-disposition'), /^attachment; filename=my%20note\.txt/)

  const later = await given(files.createSignedUploadUrl(`${id}/js/later.png`))
  const byStranger = () => chitra.files.uploadToSignedUrl(later.path, later.token, png('by a stranger'))
  await given(byStranger())
  assert.equal(await (await given(files.download(later.path))).text(), 'by a stranger')
  await refused(byStranger(), '409', 'KeyAlreadyExists', 'The resource already exists')
})

test('a refusal says what is wrong', async () => {
  const { files, id } = asha
  const path = `${id}/js/mine.png`
  await given(files.upload(path, png('mine')))
  await refused(files.upload(path, png('x')), '409', 'KeyAlreadyExists', 'The resource already exists')
  await refused(
    files.upload(`${id}/js/x.txt`, 'text'), '415', 'InvalidMimeType',
    'mime type text/plain;charset=UTF-8 is not supported',
  )
  await refused(
    files.upload(`${id}/js/big.png`, png('x'.repeat(1001))), '413', 'EntityTooLarge',
    'The object exceeded the maximum allowed size',
  )
  await refused(
    chitra.files.upload(`${id}/js/hers.png`, png('x')), '403', 'AccessDenied',
    'new row violates row-level security policy',
  )
  assert.equal((await chitra.files.exists(path)).data, false)
  assert.deepEqual(await given(chitra.files.list(`${id}/js`)), [])
  assert.deepEqual(await given(chitra.files.remove([path])), [])
})
