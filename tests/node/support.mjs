// The JavaScript example with this folder's packages, and people who use it.

import { registerHooks } from 'node:module'
import { randomUUID } from 'node:crypto'
import { after } from 'node:test'
import { setTimeout } from 'node:timers/promises'

// The example lies outside this folder: let it find @supabase/supabase-js here.
registerHooks({
  resolve: (name, context, next) =>
    next(name, name.startsWith('@supabase/') ? { ...context, parentURL: import.meta.url } : context),
})
export const { ParleyClient, ParleyError, renderActionMessage } = await import(
  '../../examples/javascript/parley-client.mjs'
)

const { SUPABASE_URL: url, SUPABASE_ANON_KEY: key, SUPABASE_SERVICE_ROLE_KEY: secret } = process.env
const { APP_URL: appUrl } = process.env
const PATIENCE = 15_000
const PASSWORD = 'correct horse battery staple'
// Of PASSWORD; the weakest there is, because Auth spends most of its time on hashing.
const PASSWORD_HASH = '$argon2id$v=19$m=8,t=1,p=1$G6jMy00HWq8$Bj+WXeNJRtSapxJe+2FbdQ'

// A socket takes 300 ms to close, which no test waits for.
const closing = []
const leave = (everyone) => closing.push(...everyone.map((person) => person.client.close()))
after(() => Promise.all(closing))

/** A new signed-in person (client's options): the client, and `hears(event, wanted)`, which waits for an event. */
export async function signedIn(options = {}) {
  const email = `${randomUUID()}@example.com`
  const answer = await fetch(`${url}/auth/v1/admin/users`, {
    method: 'POST',
    headers: { apikey: secret, authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
    body: JSON.stringify({ email, password_hash: PASSWORD_HASH, email_confirm: true }),
  })
  if (!answer.ok) throw new Error(`no user was made: ${answer.status} ${await answer.text()}`)
  const signIn = (more) =>
    ParleyClient.signIn(url, key, email, PASSWORD, { appUrl, ...more })
  const client = await signIn(options)
  const heard = []
  let news = () => {}
  client.on('*', (event) => {
    heard.push(event)
    news()
  })
  const payloads = (event) => heard.filter((h) => h.event === event).map((h) => h.payload)
  const fits = (payload, wanted) =>
    Object.entries(wanted).every(([name, value]) => payload[name] === value)
  const texts = () => payloads('new_message').map((payload) => payload.message.message)
  async function waitFor(find, what) {
    const deadline = AbortSignal.timeout(PATIENCE)
    for (;;) {
      const found = find()
      if (found) return found
      await new Promise((resolve, reject) => {
        news = resolve
        deadline.addEventListener('abort', () => reject(new Error(`never heard ${what}`)))
      })
    }
  }
  return {
    client,
    /** Sign in on one more device: from then on this person hears of own steps. */
    openSession: async () => (await signIn()).close(),
    payloads,
    texts,
    /** Wait for the newest message that asks this person something and is not one of `before`. */
    isAsked: (before = []) =>
      waitFor(
        () =>
          payloads('new_message')
            .map((payload) => payload.message)
            .filter((m) => m.action_required && !before.some(({ id }) => id === m.id))
            .at(-1),
        'a question',
      ),
    events: () => heard.map((h) => h.event),
    forget: () => heard.splice(0),
    hears: (event, wanted = {}) =>
      waitFor(() => payloads(event).find((payload) => fits(payload, wanted)), event),
    hearsText: (text) => waitFor(() => texts().includes(text), text),
  }
}

async function tooLate() {
  await setTimeout(2 * PATIENCE, null, { ref: false })
  throw new Error('the test waits for something that does not happen')
}

/** Run a test with Asha, Bharat and Chitra, and the chat of the first two; options of clients. */
export async function talking(play, options = {}) {
  const everyone = await Promise.all([1, 2, 3].map(() => signedIn(options)))
  const [asha, bharat, chitra] = everyone
  try {
    await Promise.all(everyone.map((person) => person.client.start()))
    const opened = await asha.client.call('direct_connect', {
      target_user_id: bharat.client.userId,
    })
    const id = opened.conversation.conversation_id
    // Until she has an answer, a stranger may write only once.
    await asha.client.send(id, 'Hello?')
    await bharat.client.send(id, 'Hello.')
    for (const person of [asha, bharat]) {
      await person.hearsText('Hello.')
      person.forget()
    }
    await Promise.race([play({ asha, bharat, chitra, id }), tooLate()])
  } finally {
    leave(everyone)
  }
}

/** Run a test with Asha, an influencer, and Bharat, who has just asked for her bid. */
export async function dealing(play) {
  const everyone = await Promise.all([signedIn(), signedIn()])
  const [asha, bharat] = everyone
  try {
    const roles = [[asha, 'influencer'], [bharat, 'brand_owner']]
    for (const [{ client, openSession }, role] of roles) {
      await openSession()
      await client.call('complete_profile', { role, display_name: role })
      await client.start()
    }
    const bid = await asha.client.call('create_bid', { title: 'Posts', description: 'Three posts' })
    const { conversation } = await bharat.client.do('connect_bid', { bid_id: bid.id })
    await Promise.race([play({ asha, bharat, id: conversation.conversation_id }), tooLate()])
  } finally {
    leave(everyone)
  }
}
