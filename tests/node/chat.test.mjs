// Two people chat through supabase-js. tests/end_to_end/test_javascript.py runs this file.

import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'

import { ParleyClient, ParleyError, signedIn, talking } from './support.mjs'

test('a message is heard by both and read back by both', () =>
  talking(async ({ asha, bharat, id }) => {
    const { message } = await asha.client.send(id, 'Namaste')
    for (const person of [asha, bharat]) {
      await person.hearsText('Namaste')
      const read = await person.client.call('get_messages', { conversation_id: id })
      assert.deepEqual(
        read.map((m) => [m.seq, m.message]),
        [[4, 'Namaste'], [3, 'Hello.'], [2, 'Hello?'], [1, 'Conversation started']],
      )
      const { data, status } = await person.client.supabase
        .from('messages').select('id, message').eq('conversation_id', id).eq('seq', 4)
      assert.equal(status, 200)
      assert.deepEqual(data, [{ id: message.id, message: 'Namaste' }])
    }
  }))

test('a repeated send makes no second message', () =>
  talking(async ({ asha, bharat, id }) => {
    const client_message_id = crypto.randomUUID()
    const first = await asha.client.send(id, 'once', { client_message_id })
    const again = await asha.client.send(id, 'once', { client_message_id })
    assert.equal(again.message.id, first.message.id)
    await asha.client.send(id, 'the end')
    await bharat.hearsText('the end')
    assert.deepEqual(bharat.texts(), ['once', 'the end'])
    assert.equal(asha.client.unsent.size, 0)
  }))

test('the sender hears that the message was read', () =>
  talking(async ({ asha, bharat, id }) => {
    const { message } = await asha.client.send(id, 'seen?')
    await bharat.client.call('mark_read', { conversation_id: id })
    const seen = await asha.hears('message_seen', { user_id: bharat.client.userId })
    assert.equal(seen.message_id, message.id)
  }))

test('signing in has done what was due', async () => {
  const { client } = await signedIn()
  try {
    assert.equal((await client.cleanUp()).throttled, true)
  } finally {
    await client.close()
  }
})

test('the sender sees the second tick as soon as the other has heard', () =>
  talking(async ({ asha, bharat, id }) => {
    const { message } = await asha.client.send(id, 'there?')
    assert.equal(message.status, 'sent')
    const user_id = bharat.client.userId
    const { seq } = await asha.hears('message_delivered', { user_id, message_id: message.id })
    assert.equal(seq, message.seq)
    const [newest] = await asha.client.call('get_messages', { conversation_id: id })
    assert.deepEqual([newest.id, newest.status], [message.id, 'delivered'])
  }))

test('what was heard is marked as delivered in batches', () =>
  talking(async ({ asha, bharat, id }) => {
    const { call } = bharat.client
    const marked = []
    bharat.client.call = (name, args) => {
      if (name === 'mark_delivered') marked.push(args)
      return call.call(bharat.client, name, args)
    }
    for (const text of ['one', 'two', 'three']) await asha.client.send(id, text)
    const seq = asha.client.known[id].seq
    await asha.hears('message_delivered', { seq })
    assert.equal(marked.at(-1).up_to_seq, seq)
    assert.ok(marked.length < 3) // the greeting may have begun an earlier one
  }, { deliveredAfter: 3_000 }))

test('started twice is started once, and after a stop it starts again', () =>
  talking(async ({ asha, bharat, id }) => {
    const starts = [bharat.client.start(), bharat.client.start()]
    assert.equal(starts[0], starts[1])
    await Promise.all(starts)
    await asha.client.send(id, 'once')
    await bharat.hearsText('once')
    assert.equal(bharat.client.supabase.getChannels().length, 1)

    await bharat.client.stop()
    assert.equal(bharat.client.connection, 'closed')
    await asha.client.send(id, 'meanwhile')
    await Promise.all([bharat.client.start(), bharat.client.start()])
    await bharat.hearsText('meanwhile')
    await asha.client.send(id, 'again')
    await bharat.hearsText('again')
    assert.deepEqual(bharat.texts(), ['once', 'meanwhile', 'again'])
  }))

test('typing and status reach the other side', () =>
  talking(async ({ asha, bharat, id }) => {
    await asha.client.openConversation(id)
    await bharat.client.openConversation(id, 'away')
    const user_id = bharat.client.userId
    await asha.hears('user_status_change', { user_id, status: 'away' })
    await bharat.client.openConversation(id)
    await asha.hears('user_status_change', { user_id, status: 'online' })
    await asha.client.setTyping(id, true)
    await bharat.hears('user_typing', { user_id: asha.client.userId, is_typing: true })
    assert.deepEqual(asha.payloads('user_typing'), [])
    await bharat.client.closeConversation(id)
    await asha.hears('user_offline', { user_id })
  }))

test('a member can forge nothing on the channel of a conversation', () =>
  talking(async ({ asha, bharat, chitra, id }) => {
    const { conversation } = await asha.client.call('direct_connect', {
      target_user_id: chitra.client.userId,
    })
    const otherId = conversation.conversation_id
    await chitra.hears('new_message', { conversation_id: otherId })
    await asha.client.openConversation(id)
    await bharat.client.openConversation(id)
    await asha.hears('user_status_change', { user_id: bharat.client.userId })
    const channel = bharat.client.supabase.getChannels().find(({ topic }) => topic.includes(id))
    const say = (event, payload) => channel.send({ type: 'broadcast', event, payload })
    const typing = { conversation_id: id, user_id: bharat.client.userId, is_typing: true }

    // What is his to say is heard.
    await say('user_typing', typing)
    await asha.hears('user_typing', typing)
    asha.forget()
    const known = structuredClone(asha.client.known)

    const seqs = { conversation_id: otherId, seq: 2, user_id: chitra.client.userId }
    const message = { ...seqs, id: crypto.randomUUID(), message: 'forged' }
    await say('new_message', { conversation_id: otherId, message })
    for (const event of ['message_seen', 'message_delivered', 'quota_changed', 'notification',
      'conversation_state_changed', 'user_status_change', 'user_offline', 'synced']) {
      await say(event, { ...seqs, points_balance: 999_999, conversations: [] })
    }
    await say('user_typing', { ...typing, conversation_id: otherId })
    await say('user_typing', { ...typing, user_id: chitra.client.userId })
    await say('user_typing', { ...typing, user_id: asha.client.userId })
    await say('user_typing', {})
    await say('user_typing', { ...typing, is_typing: false })
    await asha.hears('user_typing', { is_typing: false })
    assert.deepEqual(asha.events(), ['user_typing'])
    assert.deepEqual(asha.client.known, known)

    const { message: real } = await chitra.client.send(otherId, 'real')
    await asha.hearsText('real')
    assert.equal(real.seq, seqs.seq)
  }))

test('nobody shows up in a conversation under another name', () =>
  talking(async ({ asha, bharat, chitra, id }) => {
    await asha.client.openConversation(id)
    const bharatId = bharat.client.userId
    for (const name of [chitra.client.userId, asha.client.userId]) {
      bharat.client.userId = name
      await bharat.client.openConversation(id, 'away')
      await bharat.client.closeConversation(id)
    }
    bharat.client.userId = bharatId
    await bharat.client.openConversation(id)
    await asha.hears('user_status_change')
    const shown = [...asha.payloads('user_status_change'), ...asha.payloads('user_offline')]
    assert.deepEqual(shown.map((payload) => payload.user_id), [bharatId])
  }))

test('postgres_changes brings a message to the member and not to the stranger', () =>
  talking(async ({ asha, bharat, chitra, id }) => {
    const rows = { bharat: watch(bharat), chitra: watch(chitra) }
    await Promise.all([rows.bharat.ready, rows.chitra.ready])
    await asha.client.send(id, 'for the member')
    await rows.bharat.hears('for the member')
    const other = await asha.client.call('direct_connect', {
      target_user_id: chitra.client.userId,
    })
    await asha.client.send(other.conversation.conversation_id, 'for Chitra')
    await rows.chitra.hears('for Chitra')
    assert.ok(!rows.chitra.heard.includes('for the member'))
  }))

test('after a lost connection everything missed comes once, in order', () =>
  talking(async ({ asha, bharat, id }) => {
    await asha.client.send(id, 'before')
    await bharat.hearsText('before')
    const socket = bharat.client.supabase.realtime.socketAdapter.getSocket().conn
    const lost = new Promise((resolve) => socket.addEventListener('close', resolve))
    socket.close()
    await lost
    await asha.client.send(id, 'meanwhile')
    await bharat.hearsText('meanwhile')
    await asha.client.send(id, 'after')
    await bharat.hearsText('after')
    assert.deepEqual(bharat.texts(), ['before', 'meanwhile', 'after'])
  }))

test('sync brings what changed without a message, and nothing else', () =>
  talking(async ({ asha, bharat, id }) => {
    const { data } = await asha.client.supabase.auth.getSession()
    const device = new ParleyClient(asha.client.supabase, data.session) // it hears no channel
    let contexts = []
    device.on('synced', ({ conversations }) => (contexts = conversations))
    const { message } = await asha.client.send(id, 'seen?')
    await bharat.hearsText('seen?')
    await device.sync()

    await bharat.client.call('mark_read', { conversation_id: id })
    await device.sync()
    assert.deepEqual(contexts.map((c) => c.other_read_seq), [message.seq])
    const [newest] = await device.call('get_messages', { conversation_id: id })
    assert.deepEqual([newest.id, newest.status], [message.id, 'read'])

    await bharat.client.call('block_user', { user_id: asha.client.userId })
    await device.sync()
    assert.deepEqual(contexts.map((c) => c.free_text_allowed), [false])
    await device.sync()
    assert.deepEqual(contexts, [])
  }))

test('a channel closed for an expired token is joined again', () =>
  talking(async ({ asha, bharat, id }) => {
    const { realtime } = bharat.client.supabase
    const { accessToken } = realtime
    const shortLived = shortToken(bharat.client.userId)
    const closed = new Promise((resolve) => {
      realtime.channels[0].on('system', {}, ({ status }) => status === 'error' && resolve())
    })
    realtime.accessToken = async () => shortLived
    await realtime.setAuth()
    realtime.accessToken = accessToken
    await closed
    await asha.client.send(id, 'still there?')
    await bharat.hearsText('still there?')
  }))

test('a stranger can join neither topic', () =>
  talking(async ({ asha, chitra, id }) => {
    const refused = (error) => error instanceof ParleyError && error.errorCode === 'CHANNEL_REFUSED'
    await assert.rejects(chitra.client.openConversation(id), refused)
    chitra.client.userId = asha.client.userId // whose channel to ask for; the token is hers
    await assert.rejects(chitra.client.start(), refused)
  }))

test('a refusal has its status, code and details', () =>
  talking(async ({ asha, chitra, id }) => {
    await assert.rejects(chitra.client.send(id, 'hi'), (error) => {
      assert.equal(error.status, 404)
      assert.equal(error.toJSON().error_code, 'CONVERSATION_NOT_FOUND')
      return true
    })
    await assert.rejects(asha.client.send(id, 'x'.repeat(100_000)), (error) => {
      assert.equal(error.status, 422)
      assert.deepEqual(Object.keys(error.details).sort(), ['length', 'max'])
      return error.errorCode === 'MESSAGE_TOO_LONG'
    })
  }))

test('what the platform and the network refuse has the same shape', () =>
  talking(async ({ asha }) => {
    const shapeOf = async (asked) => {
      const error = await asked.then(() => assert.fail('not refused'), (refused) => refused)
      assert.ok(error instanceof ParleyError, String(error))
      const said = error.toJSON()
      assert.deepEqual(Object.keys(said), ['success', 'message', 'error_code', 'details'])
      assert.ok(said.message)
      assert.equal(typeof said.details, 'object')
      return [said.error_code, error.status, said.details]
    }
    const { client } = asha
    const [code, status, details] = await shapeOf(client.call('send_massage', {}))
    assert.deepEqual([code, status], ['PGRST202', 404])
    assert.ok(details.reason)
    const [cast] = await shapeOf(client.call('get_messages', { conversation_id: 'no uuid' }))
    assert.equal(cast, '22P02')

    const { supabaseUrl, supabaseKey } = client.supabase
    const enter = (url, password) => ParleyClient.signIn(url, supabaseKey, 'a@example.com', password)
    assert.deepEqual(
      (await shapeOf(enter(supabaseUrl, 'wrong'))).slice(0, 2), ['invalid_credentials', 400],
    )
    const nowhere = await shapeOf(enter('http://127.0.0.1:9', 'x'))
    assert.deepEqual(nowhere.slice(0, 2), ['NETWORK', 0])
    client.supabase.rest.fetch = () => Promise.reject(new TypeError('the connection broke'))
    const broken = await shapeOf(client.call('get_quota'))
    assert.deepEqual(broken.slice(0, 2), ['NETWORK', 0])
  }))

/** A token like the user's own that is valid for a second. */
function shortToken(sub) {
  const exp = Math.floor(Date.now() / 1000) + 1
  const claims = { sub, role: 'authenticated', aud: 'authenticated', exp }
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`
  const hmac = createHmac('sha256', process.env.SUPABASE_JWT_SECRET)
  return `${signed}.${hmac.update(signed).digest('base64url')}`
}

/** Hear the texts of new rows of `messages` through postgres_changes. */
function watch(person) {
  const heard = []
  let news = () => {}
  const channel = person.client.supabase.channel('rows')
  const ready = new Promise((resolve, reject) => {
    channel
      .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'messages' }, (change) => {
        heard.push(change.new.message)
        news()
      })
      .on('system', {}, ({ extension, status, message }) => {
        if (extension !== 'postgres_changes') return
        if (status === 'ok') resolve()
        else reject(new Error(message))
      })
      .subscribe()
  })
  const hears = async (text) => {
    while (!heard.includes(text)) {
      await new Promise((resolve) => {
        news = resolve
      })
    }
  }
  return { heard, ready, hears }
}

test('a conversation brings its messages, and a message who sent it', () =>
  talking(async ({ asha, id }) => {
    const { data, error } = await asha.client.supabase
      .from('conversations')
      .select('id, messages(message, sender(id))')
      .eq('id', id)
      .order('seq', { referencedTable: 'messages', ascending: false })
      .limit(1, { referencedTable: 'messages' })
      .single()
    assert.equal(error, null)
    assert.equal(data.messages[0].message, 'Hello.')
    assert.deepEqual(Object.keys(data.messages[0].sender), ['id'])
  }))
