// A small client of Parley for JavaScript (browser or Node 22+): copy it, keep what you need.
//
// It signs in, hears what happens on the user's private channel, sends and takes the steps of a deal
// with retries that never make a second one, and repairs with `sync` whatever a lost connection
// swallowed:
//
//   const client = await ParleyClient.signIn(url, anonKey, email, password)
//   client.on('new_message', ({ message }) => console.log(message.message))
//   await client.start()
//   await client.send(conversationId, 'Hello')
//   await client.close()
//
// What concerns money goes through the Flask app: give `signIn` its address as `appUrl`.
//
// Needs `npm install @supabase/supabase-js`. Durations are in milliseconds.

import { createClient } from '@supabase/supabase-js'

const FIRST_DELAY = 500
const LONGEST_DELAY = 30_000
// How often a sync looks for what was heard of, first after this delay, then after twice as long.
const SYNC_TRIES = 6
const SYNC_DELAY = 50
// Refusals of the app that somebody has to see, whatever their status is.
const FOR_PEOPLE = [
  'GATEWAY_UNAVAILABLE', 'GATEWAY_REFUSED', 'PAYMENTS_OFF', 'PAYMENTS_MISCONFIGURED',
]
const TOKEN_REFUSED = ['PGRST301', 'PGRST303', 'AUTH_REQUIRED']

/** A refusal: what went wrong, its code (docs/ERRORS.md) and the code's details. */
export class ParleyError extends Error {
  constructor(message, errorCode, details = null, status = 0) {
    super(message)
    this.errorCode = errorCode
    this.details = details
    this.status = status // 0: no answer at all
  }

  /** The form in which the Flask app answers errors as well. */
  toJSON() {
    const { message, errorCode, details } = this
    return { success: false, message, error_code: errorCode, details }
  }

  /** Whether the same call may go better next time. */
  get isTransient() {
    if (FOR_PEOPLE.includes(this.errorCode)) return false
    return this.status === 0 || this.status === 429 || this.status >= 500
  }
}

/** One signed-in user. Make it with `signIn` or `signUp`. */
export class ParleyClient {
  // What `sync` is told, by conversation id: the last seq heard and the version of the last
  // context, {seq, version}. Keep it with the messages and contexts, if you store them.
  known = {}
  // Messages without an answer yet, by client_message_id. Keep them too, and give each to `send`
  // again after a restart: a message that did arrive is not made twice.
  unsent = new Map()

  #callbacks = new Map()
  #channels = new Map()
  #others = new Map() // the other member, by conversation id
  #presences = new Map() // what I show, by topic
  #statuses = new Map() // what the other member shows, by topic
  #sending = Promise.resolve()
  #syncing = Promise.resolve()
  #syncWaits = false
  #heard = new Map() // the last seq the next sync must bring, by conversation id

  constructor(supabase, session, appUrl = '') {
    this.supabase = supabase
    this.appUrl = appUrl
    this.userId = session.user.id
  }

  /** Sign in with a password. Rejects with ParleyError, for example `invalid_credentials`. */
  static signIn(url, key, email, password, { appUrl } = {}) {
    return ParleyClient.#enter(url, key, appUrl, 'signInWithPassword', { email, password })
  }

  /** Make an account and be signed in. Rejects with ParleyError, e.g. `user_already_exists`. */
  static signUp(url, key, email, password, { appUrl } = {}) {
    return ParleyClient.#enter(url, key, appUrl, 'signUp', { email, password })
  }

  static async #enter(url, key, appUrl, how, credentials) {
    const supabase = createClient(url, key)
    const { data, error } = await supabase.auth[how](credentials)
    if (error) throw new ParleyError(error.message, error.code ?? error.name, null, error.status)
    if (!data.session) {
      throw new ParleyError('Confirm the e-mail address first.', 'email_not_confirmed')
    }
    return new ParleyClient(supabase, data.session, appUrl)
  }

  // What I hear

  /** Call back with the payload of each such event; '*' for all, as {event, payload}. */
  on(event, callback) {
    this.#callbacks.set(event, [...(this.#callbacks.get(event) ?? []), callback])
  }

  /**
   * Join the private channel of the user, then fetch what was missed. From here on the client
   * reconnects, joins again and syncs by itself.
   */
  start() {
    return this.#join(`user:${this.userId}`)
  }

  /**
   * Show this status to the other side, and hear its typing and its status: user_typing
   * {conversation_id, user_id, is_typing}, user_status_change and user_offline
   * {conversation_id, user_id[, status]}. Calling again changes the status.
   */
  async openConversation(conversationId, status = 'online') {
    const topic = `conversation:${conversationId}`
    this.#presences.set(topic, { user_id: this.userId, status })
    if (this.#channels.has(topic)) await this.#channels.get(topic).track(this.#presences.get(topic))
    else await this.#join(topic)
  }

  /** Leave the conversation's channel: the other side hears user_offline. */
  closeConversation(conversationId) {
    return this.#leave(`conversation:${conversationId}`)
  }

  /** Tell the other side; a hint that is dropped without a connection. */
  async setTyping(conversationId, isTyping) {
    const channel = this.#channels.get(`conversation:${conversationId}`)
    if (channel?.state !== 'joined' || !this.supabase.realtime.isConnected()) return
    const payload = { conversation_id: conversationId, user_id: this.userId, is_typing: isTyping }
    await channel.send({ type: 'broadcast', event: 'user_typing', payload })
  }

  /** Leave all channels and close the connections; the session stays valid. */
  async close() {
    this.#channels.clear()
    await this.supabase.removeAllChannels()
    await this.supabase.realtime.disconnect()
    this.supabase.auth.stopAutoRefresh()
  }

  // What I do

  /** Call a function of the API once. Rejects with ParleyError. */
  async call(name, args = {}) {
    const { data, error, status } = await this.supabase.rpc(name, args)
    if (error) throw readError(error, status)
    return data
  }

  /** Call a function that may be repeated until the server decides. Rejects with ParleyError. */
  callUntilAnswered(name, args = {}) {
    return this.#repeat(() => this.call(name, args))
  }

  /** Post to the Flask app once, as this user. Rejects with ParleyError. */
  async callApp(path, body = {}) {
    const { data } = await this.supabase.auth.getSession()
    const headers = {
      authorization: `Bearer ${data.session?.access_token}`,
      'content-type': 'application/json',
    }
    let answer
    try {
      answer = await fetch(`${this.appUrl}${path}`, {
        method: 'POST', headers, body: JSON.stringify(body),
      })
    } catch (error) {
      throw new ParleyError(`No answer: ${error}`, 'NETWORK')
    }
    const said = await answer.json().catch(() => ({})) // a proxy's page
    if (answer.ok) return said
    const { message = 'The app cannot be reached.', error_code, details } = said
    throw new ParleyError(message, error_code ?? String(answer.status), details, answer.status)
  }

  /**
   * Send a message, one after another, each until the server has answered. Options: media_url,
   * expiration_hours, reply_to, max_points. Resolves to {message, quota}; rejects with ParleyError
   * when the server refuses the message.
   */
  send(conversationId, message = '', { client_message_id = crypto.randomUUID(), ...options } = {}) {
    const args = { conversation_id: conversationId, message, client_message_id, ...options }
    this.unsent.set(client_message_id, args)
    const answer = this.#sending
      .then(() => this.callUntilAnswered('send_message', args))
      .finally(() => this.unsent.delete(client_message_id))
    this.#sending = answer.catch(() => {})
    return answer
  }

  /**
   * Call a function that takes a client_action_id (connect_bid, apply_to_campaign, submit_text and
   * the like) until the server has answered. A repeat with the same id does nothing twice: it gets
   * the first answer. Keep the id, if you repeat after a restart. Resolves to the action result
   * {conversation, messages, actions, flow_update}; rejects with ParleyError when the server
   * refuses, e.g. NOT_YOUR_TURN.
   */
  do(name, args) {
    return this.callUntilAnswered(name, { client_action_id: crypto.randomUUID(), ...args })
  }

  /** Take an action of a deal; options: client_action_id, expected_version. Otherwise as `do`. */
  act(conversation_id, action, input = {}, options = {}) {
    return this.do('take_action', { conversation_id, action, input, ...options })
  }

  /**
   * Press a button of an action message that was heard or read; a form is sent by its
   * submit_action. Otherwise as `act`.
   */
  click({ conversation_id, id }, button_id, input = {}, options = {}) {
    const button = { conversation_id, message_id: id, button_id, additional_data: input }
    return this.do('click_button', { ...button, ...options })
  }

  /** What this user may do now: [{action, text, style, input, schema, deadline_at}]. */
  availableActions(conversation_id) {
    return this.callUntilAnswered('get_available_actions', { conversation_id })
  }

  /**
   * What Razorpay's checkout needs to take the brand owner's payment: `razorpay_config`. Asked for
   * again it is the same order, so nobody pays twice. Rejects with ParleyError, e.g.
   * PAYMENT_ALREADY_DONE, or GATEWAY_UNAVAILABLE: nothing was charged, ask again.
   */
  async pay(conversationId) {
    return (await this.#askApp(conversationId, 'payment-order')).razorpay_config
  }

  /**
   * Hand on what checkout gave to its handler, so that the server asks Razorpay at once. A courtesy:
   * the deal goes on also when the browser was closed right after the payment. Resolves to what
   * `refreshPayment` does; rejects with BAD_SIGNATURE when it is not about this deal's payment.
   */
  confirmPayment(conversationId, paid) {
    return this.#askApp(conversationId, 'payment-callback', paid)
  }

  /**
   * Let the server ask Razorpay about the payment, as when the chat is opened. Resolves to {polled,
   * flow_state, outcome}; polled is false when it asked a moment ago.
   */
  refreshPayment(conversationId) {
    return this.#askApp(conversationId, 'payment-refresh')
  }

  /** Do what is due for this user, as at each sign-in; requested refunds leave as well. */
  cleanUp() {
    return this.#repeat(() => this.callApp('/v1/session/cleanup'))
  }

  /**
   * Fetch every message after the known ones; each comes as a new_message event, once. The contexts
   * of conversations that changed, also without a message (the other side has read, or blocks),
   * come as an event `synced` {conversations}.
   */
  sync() {
    if (!this.#syncWaits) {
      this.#syncWaits = true
      this.#syncing = this.#syncing.catch(() => {}).then(() => this.#syncAll())
    }
    return this.#syncing
  }

  async #syncAll() {
    this.#syncWaits = false
    const wanted = [...this.#heard]
    this.#heard.clear()
    for (let attempt = 0; attempt < SYNC_TRIES; attempt += 1) {
      await this.#fetch()
      if (wanted.every(([id, seq]) => this.#knownOf(id).seq >= seq)) return
      // Events come from the log of the database, which can be ahead of what it shows.
      await sleep(SYNC_DELAY * 2 ** attempt)
    }
  }

  async #fetch() {
    for (let hasMore = true; hasMore; ) {
      const page = await this.callUntilAnswered('sync', { known: this.known })
      const contexts = new Map(page.conversations.map((c) => [c.conversation_id, c]))
      for (const message of page.messages) {
        this.#deliver(message, contexts.get(message.conversation_id))
      }
      for (const [conversationId, context] of contexts) {
        this.#others.set(conversationId, context.other_party.id)
        this.#knownOf(conversationId).version = context.version
      }
      hasMore = page.has_more
      this.#emit('synced', { conversations: page.conversations })
    }
  }

  // How it is done

  async #repeat(ask) {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await ask()
      } catch (error) {
        if (TOKEN_REFUSED.includes(error.errorCode) && attempt === 0) {
          await this.supabase.auth.refreshSession()
        } else if (!error.isTransient) throw error
        await sleep(delayOf(attempt, error))
      }
    }
  }

  #askApp(conversationId, what, body) {
    return this.#repeat(() => this.callApp(`/v1/conversations/${conversationId}/${what}`, body))
  }

  /**
   * Pass on that the other member types. Nothing else is a member's to say: on a conversation's
   * channel members write what they like, also what looks like an event of the database or of
   * another person.
   */
  #hearMember(conversation_id, { event, payload }) {
    const user_id = this.#others.get(conversation_id)
    if (event !== 'user_typing' || !user_id || payload?.user_id !== user_id) return
    if (payload.conversation_id !== conversation_id) return
    this.#emit(event, { conversation_id, user_id, is_typing: payload.is_typing === true })
  }

  /** Pass on one event of the database; events are hints, so a gap is filled by sync. */
  #hear({ event, payload }) {
    if (event !== 'new_message') return this.#emit(event, payload)
    const { message, conversation_context: context } = payload
    const { conversation_id, seq } = message
    const isNext = seq <= this.#knownOf(conversation_id).seq + 1
    if (isNext && !message.content_withheld) return this.#deliver(message, context)
    this.#heard.set(conversation_id, Math.max(seq, this.#heard.get(conversation_id) ?? 0))
    this.sync().catch((error) => console.error('sync failed', error))
  }

  #deliver(message, context = null) {
    const { conversation_id, seq } = message
    const known = this.#knownOf(conversation_id)
    if (seq <= known.seq) return
    known.seq = seq
    this.#emit('new_message', { conversation_id, message, conversation_context: context })
  }

  /** No context has the version 0, so that the next sync brings it. */
  #knownOf(conversationId) {
    return (this.known[conversationId] ??= { seq: 0, version: 0 })
  }

  #emit(event, payload) {
    const calls = (this.#callbacks.get(event) ?? []).map((callback) => () => callback(payload))
    calls.push(...(this.#callbacks.get('*') ?? []).map((call) => () => call({ event, payload })))
    for (const call of calls) {
      try {
        call()
      } catch (error) {
        console.error(`A callback for ${event} failed`, error)
      }
    }
  }

  /** Join a private channel; after each join, also later ones, sync or show the presence. */
  async #join(topic) {
    await this.supabase.realtime.setAuth() // the session's token, refreshed if it is old
    const [kind, id] = topic.split(':')
    const isConversation = kind === 'conversation'
    const presence = { key: this.userId, enabled: isConversation }
    const channel = this.supabase.channel(topic, { config: { private: true, presence } })
    this.#channels.set(topic, channel)
    if (isConversation) {
      channel.on('broadcast', { event: '*' }, (sent) => this.#hearMember(id, sent))
      channel.on('presence', { event: 'sync' }, () => this.#comparePresence(topic, channel))
    } else {
      channel.on('broadcast', { event: '*' }, (sent) => this.#hear(sent))
    }
    await new Promise((resolve, reject) => {
      channel.subscribe((state, error) => {
        if (this.#channels.get(topic) !== channel) return
        if (state === 'SUBSCRIBED') this.#arrive(topic, channel).then(resolve, reject)
        else if (error?.message.includes('Unauthorized')) {
          reject(new ParleyError(`${topic} is not yours.`, 'CHANNEL_REFUSED'))
          this.#leave(topic)
        } else if (state === 'CLOSED') {
          // The server ended it, because the token ran out: the SDK has forgotten the channel.
          const again = () => this.#channels.get(topic) === channel && this.#join(topic)
          sleep(delayOf(0)).then(again).then(resolve, reject)
        }
      })
    })
  }

  async #leave(topic) {
    const channel = this.#channels.get(topic)
    for (const kept of [this.#channels, this.#presences, this.#statuses]) kept.delete(topic)
    if (channel) await this.supabase.removeChannel(channel)
  }

  async #arrive(topic, channel) {
    if (!this.#presences.has(topic)) return this.sync()
    await this.#meet(topic.slice('conversation:'.length))
    await channel.track(this.#presences.get(topic))
  }

  /** Learn who the other member is, unless a sync has said so. */
  async #meet(conversation_id) {
    if (this.#others.has(conversation_id)) return
    const context = await this.callUntilAnswered('get_conversation_context', { conversation_id })
    this.#others.set(conversation_id, context.other_party.id)
  }

  /** Pass on what the other member shows; who else seems to be there is made up. */
  #comparePresence(topic, channel) {
    const conversation_id = topic.slice('conversation:'.length)
    const user_id = this.#others.get(conversation_id)
    if (!user_id) return
    const devices = channel.presenceState()[user_id] ?? []
    const before = this.#statuses.get(topic)
    if (devices.length) {
      const status = devices.some((device) => device.status === 'online') ? 'online' : 'away'
      this.#statuses.set(topic, status)
      if (status !== before) this.#emit('user_status_change', { conversation_id, user_id, status })
    } else if (this.#statuses.delete(topic)) {
      this.#emit('user_offline', { conversation_id, user_id })
    }
  }
}

/**
 * What to draw for an action message, or null for any other: {title, subtitle, text, buttons, form,
 * payment_order, expires_at, is_open}. `form` has the fields as an <input> takes them. Buttons and
 * the form's `submit` have the `id` that `click` wants; a button whose schema has required
 * properties needs them too: give `actions`, the user's available ones, to have the schemas.
 */
export function renderActionMessage(message, actions = []) {
  const { action_required, action_completed, action_data } = message
  if (!action_required || !action_data) return null
  const { title, subtitle, buttons = [], input_fields = [], payment_order, expires_at } = action_data
  const { submit_action, submit_button } = action_data
  return {
    title: title ?? message.message,
    subtitle: subtitle ?? '',
    text: message.message,
    is_open: !action_completed,
    expires_at: expires_at ?? null,
    payment_order: payment_order ?? null,
    buttons: buttons.map((button) => ({
      ...button,
      schema: actions.find(({ action }) => action === button.action)?.schema ?? null,
    })),
    form: submit_action
      ? {
          fields: input_fields.map(({ id, value, ...field }) => ({
            ...field, name: id, defaultValue: value ?? '',
          })),
          submit: { id: submit_action, ...submit_button },
        }
      : null,
  }
}

/** A refusal of the API as a ParleyError; `details` travels as the JSON text of an object. */
export function readError(error, status = 0) {
  let details = error.details ?? null
  try {
    details = JSON.parse(details)
  } catch {
    details = { reason: details }
  }
  const code = error.code || (status ? String(status) : 'NETWORK')
  return new ParleyError(error.message, code, details, status)
}

/** What the server asks for, else doubling, always with some chance in it. */
function delayOf(attempt, error) {
  const asked = error?.details?.retry_after // browsers may not read the header Retry-After
  if (asked !== undefined) return asked * 1000 + Math.random() * 1000
  return 100 + Math.random() * Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** attempt)
}

const sleep = (duration) => new Promise((resolve) => setTimeout(resolve, duration))
