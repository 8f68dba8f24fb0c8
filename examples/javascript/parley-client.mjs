// A small client of Parley for JavaScript (browser or Node 22+): copy the folder, keep what you need.
//
// It signs in, hears the events of the user's private channel, sends messages and takes steps of deals
// with retries that do nothing twice, marks messages as delivered, and fetches with `sync` what a lost
// connection or a lost event left out:
//
//   const client = await ParleyClient.signIn(url, anonKey, email, password)
//   client.on('new_message', ({ message }) => console.log(message.message))
//   await client.start()
//   await client.send(conversationId, 'Hello')
//   await client.close()
//
// Payments go through the Flask app: give `signIn` its address as `appUrl`.
//
// Needs `npm install @supabase/supabase-js`. Durations are in milliseconds. The types are in
// types.d.ts; `tsc --strict` reads them from the comments below.

import { createClient } from '@supabase/supabase-js'

import {
  networkError, ParleyError, readAppError, readAuthError, readError, TOKEN_REFUSED,
} from './errors.mjs'
import { BUCKET, mediaType, newPath, putFile, readStorageError } from './files.mjs'
import { Pace } from './pace.mjs'

export { renderActionMessage } from './action-message.mjs'
export { ParleyError } from './errors.mjs'

/**
 * @import { RealtimeChannel, Session, SupabaseClient } from '@supabase/supabase-js'
 * @import {
 *   Action, ActionResult, AnyEvent, Attachment, CleanupResult, Context, Events, FunctionName, Functions, Known,
 *   Message, Options, OutgoingFile, PaidAtCheckout, PaymentRefreshed, RazorpayConfig, SendOptions,
 *   SendResult, StepName, StepOptions, UploadOptions, WithheldMessage,
 * } from './types.js'
 */

// Events that bring messages: `message`, the newest, or all of several in `messages`.
const WITH_MESSAGES = new Set(['new_message', 'button_action', 'text_input'])
const FIRST_DELAY = 500
const LONGEST_DELAY = 30_000
const APP_PATIENCE = 20_000
// Tries of a sync for a message that was heard of; the delay doubles each time.
const SYNC_TRIES = 6
const SYNC_DELAY = 50

/** @type {Required<Options>} */
const DEFAULTS = { appUrl: '', quietAfter: 30_000, quietMost: 60_000, deliveredAfter: 1_000 }

/**
 * A topic that was joined, or is being joined.
 *
 * @typedef {object} Join
 * @property {Promise<void>} promise
 * @property {() => void} resolve
 * @property {(error: unknown) => void} reject
 * @property {RealtimeChannel | null} channel
 */

/** One signed-in user. Make it with `signIn` or `signUp`, or from a session that was kept. */
export class ParleyClient {
  /**
   * The argument of `sync`, by conversation id: the last seq heard and the version of the last
   * context. Keep it with the messages and contexts, if you store them.
   *
   * @type {Record<string, Known>}
   */
  known = {}
  /**
   * Messages without an answer yet, by client_message_id. Keep them too, and give each to `send`
   * again after a restart: a message that did arrive is not made twice.
   *
   * @type {Map<string, Functions['send_message']['args']>}
   */
  unsent = new Map()
  /**
   * The state of the user's own channel; each change is an event `connection` {status}.
   *
   * @type {'closed' | 'connecting' | 'connected' | 'reconnecting'}
   */
  connection = 'closed'

  /** @type {Map<string, ((payload: any) => void)[]>} */
  #callbacks = new Map()
  /** @type {Map<string, Join>} */
  #joins = new Map()
  /** @type {Map<string, Promise<unknown>>} */
  #leaving = new Map()
  /** @type {Map<string, string>} the other member, by conversation id */
  #others = new Map()
  /** @type {Map<string, {user_id: string, status: string}>} what I show, by topic */
  #presences = new Map()
  /** @type {Map<string, string>} what the other member shows, by topic */
  #statuses = new Map()
  /** @type {Map<string, Promise<unknown>>} the last send, by conversation id */
  #sending = new Map()
  /** @type {WeakMap<Blob, Map<string, string>>} names of files that are not sent yet */
  #paths = new WeakMap()
  /** @type {Promise<void>} */
  #syncing = Promise.resolve()
  #syncWaits = false
  /** @type {Map<string, number>} the last seq that a sync must bring, by conversation id */
  #wanted = new Map()
  /** @type {Map<string, number>} the seq of the last notification passed on, by conversation id */
  #notified = new Map()
  /** @type {Map<string, number>} heard messages that are not marked yet, by conversation id */
  #undelivered = new Map()
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #deliveredTimer
  #isUnanswered = false // something of mine, by anything that was heard since
  #pace
  #options
  #life = new AbortController()

  /**
   * @param {SupabaseClient<any, any, any>} supabase
   * @param {Session} session
   * @param {Options} [options]
   */
  constructor(supabase, session, options = {}) {
    this.supabase = supabase
    this.userId = session.user.id
    this.#options = { ...DEFAULTS, ...options }
    this.#pace = new Pace({
      ...this.#options,
      isWaiting: () => this.#isUnanswered || this.unsent.size > 0,
      sync: () => this.sync().catch((error) => console.error('sync failed', error)),
    })
  }

  // Who I am

  /**
   * Sign in with a password, and clean up as at each sign-in. Rejects with ParleyError, for example
   * `invalid_credentials`.
   *
   * @param {string} url @param {string} key @param {string} email @param {string} password
   * @param {Options} [options]
   */
  static async signIn(url, key, email, password, options) {
    const supabase = createClient(url, key)
    const answer = await supabase.auth.signInWithPassword({ email, password })
    const client = ParleyClient.#make(supabase, answer, options)
    // The next sign-in does it, if it fails now.
    await client.#cleanUp().catch((error) => console.warn('cleanup failed', error))
    return client
  }

  /**
   * Make an account and be signed in. Rejects with ParleyError, e.g. `user_already_exists`.
   *
   * @param {string} url @param {string} key @param {string} email @param {string} password
   * @param {Options} [options]
   */
  static async signUp(url, key, email, password, options) {
    const supabase = createClient(url, key)
    return ParleyClient.#make(supabase, await supabase.auth.signUp({ email, password }), options)
  }

  /**
   * @param {SupabaseClient} supabase
   * @param {{data: {session: Session | null}, error: any}} answer
   * @param {Options} [options]
   */
  static #make(supabase, { data, error }, options) {
    if (error) throw readAuthError(error)
    if (!data.session) {
      throw new ParleyError('Confirm the e-mail address first.', 'email_not_confirmed', null, 403)
    }
    return new ParleyClient(supabase, data.session, options)
  }

  // What I hear

  /**
   * Call back with the payload of each such event; '*' for all, as {event, payload}. The returned
   * function stops it.
   *
   * @template {keyof Events | '*'} E
   * @param {E} event
   * @param {(payload: E extends keyof Events ? Events[E] : AnyEvent) => void} callback
   * @returns {() => void}
   */
  on(event, callback) {
    const callbacks = this.#callbacks.get(event) ?? []
    this.#callbacks.set(event, [...callbacks, callback])
    return () => {
      const others = (this.#callbacks.get(event) ?? []).filter((other) => other !== callback)
      this.#callbacks.set(event, others)
    }
  }

  /**
   * Join the private channel of the user, then fetch what was missed. From here on the client
   * reconnects, joins again and syncs automatically. A second call does nothing.
   */
  start() {
    if (this.connection === 'closed') this.#setConnection('connecting')
    this.#pace.start()
    return this.#enter(this.#ownTopic)
  }

  /** Leave all channels and send no requests, until the next `start`. */
  async stop() {
    this.#pace.stop()
    clearTimeout(this.#deliveredTimer)
    this.#deliveredTimer = undefined
    await Promise.all([...this.#joins.keys()].map((topic) => this.#leave(topic)))
    this.#setConnection('closed')
  }

  /** Stop for good and close the connections; the session stays valid. */
  async close() {
    this.#life.abort()
    await this.stop()
    await this.supabase.removeAllChannels()
    await this.supabase.realtime.disconnect()
    this.supabase.auth.stopAutoRefresh()
  }

  /**
   * Show this status to the other side, and hear its typing and its status: user_typing
   * {conversation_id, user_id, is_typing}, user_status_change and user_offline
   * {conversation_id, user_id[, status]}. Calling again changes the status.
   *
   * @param {string} conversationId
   * @param {'online' | 'away'} [status]
   */
  async openConversation(conversationId, status = 'online') {
    const topic = `conversation:${conversationId.toLowerCase()}`
    this.#presences.set(topic, { user_id: this.userId, status })
    const before = this.#joins.get(topic)
    await this.#enter(topic)
    if (before?.channel) await before.channel.track({ user_id: this.userId, status })
  }

  /**
   * Leave the conversation's channel: the other side hears user_offline.
   *
   * @param {string} conversationId
   */
  closeConversation(conversationId) {
    return this.#leave(`conversation:${conversationId.toLowerCase()}`)
  }

  /**
   * Tell the other side that this user types or stopped; without a connection it does nothing.
   *
   * @param {string} conversationId
   * @param {boolean} isTyping
   */
  async setTyping(conversationId, isTyping) {
    const channel = this.#joins.get(`conversation:${conversationId.toLowerCase()}`)?.channel
    if (channel?.state !== 'joined' || !this.supabase.realtime.isConnected()) return
    const payload = { conversation_id: conversationId, user_id: this.userId, is_typing: isTyping }
    await channel.send({ type: 'broadcast', event: 'user_typing', payload })
  }

  // What I do

  /**
   * Call a function of the API once. Rejects with ParleyError.
   *
   * @template {FunctionName} N
   * @param {N} name
   * @param {Functions[N]['args']} [args]
   * @returns {Promise<Functions[N]['answer']>}
   */
  async call(name, args) {
    const { data, error, status } = await this.supabase.rpc(name, args ?? {})
    if (error) throw readError(error, status)
    return data
  }

  /**
   * Call a function that may be repeated until the server decides. Rejects with ParleyError.
   *
   * @template {FunctionName} N
   * @param {N} name
   * @param {Functions[N]['args']} [args]
   * @returns {Promise<Functions[N]['answer']>}
   */
  callUntilAnswered(name, args) {
    return this.#repeat(() => this.call(name, args))
  }

  /**
   * Post to the Flask app once, as this user. Rejects with ParleyError: APP_UNKNOWN at once, when
   * the client has no address of the app.
   *
   * @param {string} path
   * @param {object} [body]
   * @returns {Promise<any>}
   */
  async callApp(path, body = {}) {
    const { appUrl } = this.#options
    if (!appUrl) {
      throw new ParleyError("Give the app's address as `appUrl` when signing in.", 'APP_UNKNOWN')
    }
    const { data } = await this.supabase.auth.getSession()
    const headers = {
      authorization: `Bearer ${data.session?.access_token}`,
      'content-type': 'application/json',
    }
    const signal = AbortSignal.timeout(APP_PATIENCE)
    let answer
    try {
      const request = { method: 'POST', headers, body: JSON.stringify(body), signal }
      answer = await fetch(`${appUrl}${path}`, request)
    } catch (error) {
      throw networkError(error)
    }
    const said = await answer.json().catch(() => ({})) // a proxy's page
    if (!answer.ok) throw readAppError(said, answer.status)
    return said
  }

  /**
   * Send a message, one after another in each conversation, each until the server has answered.
   * Options: media_url, expiration_hours, reply_to, max_points, client_message_id; files, which are
   * uploaded first, with onProgress and signal as in `upload`; attachments that were uploaded.
   * Resolves to {message, quota}; rejects with ParleyError when the server refuses the message or a
   * file, or with the signal's reason. Send the same Blobs again after that: no file is uploaded
   * twice.
   *
   * @param {string} conversationId
   * @param {string} [message]
   * @param {SendOptions} [options]
   * @returns {Promise<SendResult>}
   */
  async send(conversationId, message = '', options = {}) {
    const { files, onProgress, signal, ...others } = options
    if (!files?.length) return this.#sendInTurn(conversationId, message, others)
    const attachments = [
      ...(others.attachments ?? []),
      ...(await this.#uploadAll(conversationId, files, { onProgress, signal })),
    ]
    const answer = await this.#sendInTurn(conversationId, message, { ...others, attachments })
    for (const file of files) this.#paths.delete('blob' in file ? file.blob : file)
    return answer
  }

  /**
   * Upload a file for a message, or for `submit_work`, until Storage has answered; resolves to an item
   * of `attachments`. Called off by the signal, it rejects with the signal's reason.
   *
   * @param {string} conversationId
   * @param {OutgoingFile} file a File, or a Blob with its name
   * @param {UploadOptions} [options]
   * @returns {Promise<Attachment>}
   */
  async upload(conversationId, file, options = {}) {
    const { blob, name = 'file', width = null, height = null } = (
      'blob' in file ? file : { blob: file, name: file.name }
    )
    const paths = this.#paths.get(blob) ?? new Map()
    const path = paths.get(conversationId) ?? newPath(conversationId, this.userId, name)
    this.#paths.set(blob, paths.set(conversationId, path))
    await this.#repeat(() => putFile(this.supabase, path, blob, options))
    return { path, name, media_type: mediaType(blob), size: blob.size, width, height }
  }

  /**
   * An address under which a file of a message (or of submitted work) can be shown for a while: 60
   * seconds at most for a message that disappears, because nothing can revoke the address.
   *
   * @param {{expires_at?: string | null}} carrier the message
   * @param {Pick<Attachment, 'path' | 'name'>} attachment
   * @param {{seconds?: number, download?: boolean}} [options] download: under its name, not shown
   * @returns {Promise<string>}
   */
  fileUrl(carrier, { path, name }, { seconds = 3600, download = false } = {}) {
    const most = carrier.expires_at ? Math.min(seconds, 60) : seconds
    return this.#repeat(async () => {
      const bucket = this.supabase.storage.from(BUCKET)
      const { data, error } = await bucket.createSignedUrl(path, most, download ? { download: name } : {})
      if (error) throw readStorageError(JSON.stringify(error), error.status ?? 0)
      return data.signedUrl
    })
  }

  /**
   * Call a function that takes a client_action_id (connect_bid, apply_to_campaign, submit_text and
   * the like) until the server has answered. A repeat with the same id does nothing twice: it gets
   * the first answer. Keep the id, if you repeat after a restart. Resolves to the action result
   * {conversation, messages, actions, flow_update}; rejects with ParleyError when the server
   * refuses, e.g. NOT_YOUR_TURN.
   *
   * @template {StepName} N
   * @param {N} name
   * @param {Functions[N]['args']} args
   * @returns {Promise<Functions[N]['answer']>}
   */
  async do(name, args) {
    const step = { client_action_id: crypto.randomUUID(), ...args }
    const answer = await this.callUntilAnswered(name, step)
    this.#isUnanswered = true
    for (const message of answer.messages) this.#meetMessage(message, null)
    return answer
  }

  /**
   * Take an action of a deal; options: client_action_id, expected_version. Otherwise as `do`.
   *
   * @param {string} conversation_id
   * @param {string} action
   * @param {Record<string, any>} [input]
   * @param {StepOptions} [options]
   * @returns {Promise<ActionResult>}
   */
  act(conversation_id, action, input = {}, options = {}) {
    return this.do('take_action', { conversation_id, action, input, ...options })
  }

  /**
   * Press a button of an action message that was heard or read; a form is sent by its
   * submit_action. Otherwise as `act`.
   *
   * @param {Pick<Message, 'conversation_id' | 'id'>} message
   * @param {string} button_id
   * @param {Record<string, any>} [input]
   * @param {StepOptions} [options]
   * @returns {Promise<ActionResult>}
   */
  click({ conversation_id, id }, button_id, input = {}, options = {}) {
    const button = { conversation_id, message_id: id, button_id, additional_data: input }
    return this.do('click_button', { ...button, ...options })
  }

  /**
   * The actions that this user may take now.
   *
   * @param {string} conversation_id
   * @returns {Promise<Action[]>}
   */
  availableActions(conversation_id) {
    return this.callUntilAnswered('get_available_actions', { conversation_id })
  }

  /**
   * Mark a conversation as read, up to a message or all of it.
   *
   * @param {string} conversation_id
   * @param {number | null} [up_to_seq]
   */
  markRead(conversation_id, up_to_seq = null) {
    const heard = this.#undelivered.get(conversation_id) ?? 0
    if (heard <= (up_to_seq ?? heard)) this.#undelivered.delete(conversation_id)
    return this.callUntilAnswered('mark_read', { conversation_id, up_to_seq })
  }

  /**
   * The settings of Razorpay's checkout for the brand owner's payment: `razorpay_config`. A second
   * call leads to the same order, so nobody pays twice. Rejects with ParleyError, e.g.
   * PAYMENT_ALREADY_DONE, or GATEWAY_UNAVAILABLE: nothing was charged, call again.
   *
   * @param {string} conversationId
   * @returns {Promise<RazorpayConfig>}
   */
  async pay(conversationId) {
    return (await this.#askApp(conversationId, 'payment-order')).razorpay_config
  }

  /**
   * Send the values of checkout's handler, so that the server asks Razorpay at once. It only saves
   * time: the deal goes on also when the browser was closed after the payment. Resolves as
   * `refreshPayment`; rejects with BAD_SIGNATURE when it is not about this deal's payment.
   *
   * @param {string} conversationId
   * @param {PaidAtCheckout} paid
   * @returns {Promise<PaymentRefreshed>}
   */
  confirmPayment(conversationId, paid) {
    return this.#askApp(conversationId, 'payment-callback', paid)
  }

  /**
   * Let the server ask Razorpay about the payment, as when the chat is opened. Resolves to {polled,
   * flow_state, outcome}; polled is false when it has just asked.
   *
   * @param {string} conversationId
   * @returns {Promise<PaymentRefreshed>}
   */
  refreshPayment(conversationId) {
    return this.#askApp(conversationId, 'payment-refresh')
  }

  /**
   * Clean up for this user, as at each sign-in. The app sends requested refunds as well, when the
   * client has its address.
   *
   * @returns {Promise<CleanupResult>}
   */
  cleanUp() {
    return this.#repeat(() => this.#cleanUp())
  }

  /**
   * Take these contexts, and the messages up to their last_seq, as known: from a screen's answer, or
   * from storage. `sync` brings only later changes.
   *
   * @param {Pick<Context, 'conversation_id' | 'last_seq' | 'version' | 'other_party'>[]} contexts
   */
  remember(contexts) {
    for (const { conversation_id, last_seq, version, other_party } of contexts) {
      const known = this.#knownOf(conversation_id)
      known.seq = Math.max(known.seq, last_seq)
      known.version = Math.max(known.version, version)
      this.#others.set(conversation_id, other_party.id)
    }
  }

  /**
   * Fetch every message after the known ones; each comes as a new_message event, once. The contexts
   * of changed conversations, also without a message (the other side has read, or blocks), come as an
   * event `synced` {conversations}.
   *
   * @returns {Promise<void>}
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
    for (let attempt = 0; attempt < SYNC_TRIES; attempt += 1) {
      await this.#fetch()
      for (const [id, seq] of this.#wanted) {
        if (this.#knownOf(id).seq >= seq) this.#wanted.delete(id)
      }
      if (!this.#wanted.size) return
      // Realtime reads the log of the database, which may be ahead of the visible rows.
      await this.#sleep(SYNC_DELAY * 2 ** attempt)
    }
    this.#wanted.clear()
  }

  async #fetch() {
    for (let hasMore = true; hasMore; ) {
      const page = await this.callUntilAnswered('sync', { known: this.known })
      const contexts = new Map(page.conversations.map((/** @type {Context} */ c) => [c.conversation_id, c]))
      for (const message of page.messages) {
        this.#deliver(message, contexts.get(message.conversation_id) ?? null)
      }
      for (const [conversationId, context] of contexts) {
        this.#others.set(conversationId, context.other_party.id)
        this.#knownOf(conversationId).version = context.version
        const undelivered = this.#undelivered.get(conversationId) ?? 0
        // A sync marks what it brings.
        if (undelivered <= context.last_seq) this.#undelivered.delete(conversationId)
      }
      hasMore = page.has_more
      if (contexts.size || page.messages.length) this.#pace.hear()
      this.#emit('synced', { conversations: page.conversations })
    }
  }

  // How it is done

  /**
   * @template T
   * @param {() => Promise<T>} ask
   * @returns {Promise<T>}
   */
  async #repeat(ask) {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await ask()
      } catch (error) {
        if (!(error instanceof ParleyError)) throw error
        if (TOKEN_REFUSED.includes(error.errorCode) && attempt === 0) {
          await this.supabase.auth.refreshSession()
        } else if (!error.isTransient) throw error
        await this.#sleep(delayOf(attempt, error))
        if (this.#life.signal.aborted) throw error
      }
    }
  }

  /**
   * Wait, at most until the client is closed.
   *
   * @param {number} duration
   * @returns {Promise<void>}
   */
  #sleep(duration) {
    const { signal } = this.#life
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      const timer = setTimeout(wake, duration)
      if (signal.aborted) wake()
      else signal.addEventListener('abort', wake)
    })
  }

  /**
   * @param {string} conversationId
   * @param {string} what
   * @param {object} [body]
   */
  #askApp(conversationId, what, body) {
    return this.#repeat(() => this.callApp(`/v1/conversations/${conversationId}/${what}`, body))
  }

  /**
   * @param {string} conversationId
   * @param {string} message
   * @param {Omit<SendOptions, 'files' | 'onProgress' | 'signal'>} options
   * @returns {Promise<SendResult>}
   */
  #sendInTurn(conversationId, message, options) {
    const { client_message_id = crypto.randomUUID(), ...others } = options
    const args = { conversation_id: conversationId, message, client_message_id, ...others }
    this.unsent.set(client_message_id, args)
    const answer = (this.#sending.get(conversationId) ?? Promise.resolve())
      .then(() => this.#sendNow(args))
    const settled = answer.catch(() => {}).finally(() => {
      if (this.#sending.get(conversationId) === settled) this.#sending.delete(conversationId)
    })
    this.#sending.set(conversationId, settled)
    return answer
  }

  /**
   * Upload files one after another. Deletes the uploaded ones when the rest is called off.
   *
   * @param {string} conversationId
   * @param {OutgoingFile[]} files
   * @param {UploadOptions} options
   */
  async #uploadAll(conversationId, files, { onProgress, signal }) {
    const sizes = files.map((file) => ('blob' in file ? file.blob : file).size)
    const whole = sizes.reduce((sum, size) => sum + size, 0) || 1
    const attachments = []
    let done = 0
    try {
      for (const [place, file] of files.entries()) {
        const before = done
        attachments.push(await this.upload(conversationId, file, {
          onProgress: (fraction) => onProgress?.((before + fraction * sizes[place]) / whole),
          signal,
        }))
        done += sizes[place]
        onProgress?.(done / whole)
      }
    } catch (error) {
      if (signal?.aborted) {
        for (const file of files) this.#paths.delete('blob' in file ? file.blob : file)
        const paths = attachments.map(({ path }) => path)
        if (paths.length) await this.supabase.storage.from(BUCKET).remove(paths)
      }
      throw error
    }
    return attachments
  }

  /** @returns {Promise<CleanupResult>} */
  #cleanUp() {
    return this.#options.appUrl ? this.callApp('/v1/session/cleanup') : this.call('login_cleanup')
  }

  /**
   * The sender may hear no event of this message, so the client takes it from the answer.
   *
   * @param {Functions['send_message']['args'] & {client_message_id: string}} args
   */
  async #sendNow(args) {
    try {
      const answer = await this.callUntilAnswered('send_message', args)
      this.unsent.delete(args.client_message_id)
      this.#isUnanswered = true
      if (answer.message) this.#meetMessage(answer.message, null)
      return answer
    } catch (error) {
      // A closed client does not know whether the message was stored.
      const isOpen = error instanceof ParleyError && error.isTransient
      if (!isOpen) this.unsent.delete(args.client_message_id)
      throw error
    }
  }

  /**
   * Pass on that the other member types, and nothing else: on a conversation's channel members may
   * write anything, also something that looks like an event of the database or of another person.
   *
   * @param {string} conversation_id
   * @param {{event: string, payload?: any}} sent
   */
  #hearMember(conversation_id, { event, payload }) {
    const user_id = this.#others.get(conversation_id)
    if (event !== 'user_typing' || !user_id || payload?.user_id !== user_id) return
    if (payload.conversation_id !== conversation_id) return
    this.#emit(event, { conversation_id, user_id, is_typing: payload.is_typing === true })
  }

  /**
   * Pass on one event of the database; sync fills a gap.
   *
   * @param {{event: string, payload?: any}} sent
   */
  #hear({ event, payload }) {
    this.#isUnanswered = false
    this.#pace.hear()
    if (!WITH_MESSAGES.has(event)) return this.#emit(event, payload)
    const { message, messages, conversation_context: context, notification } = payload
    for (const said of messages ?? [message]) if (said) this.#meetMessage(said, context)
    if (event !== 'new_message') return this.#emit(event, payload)
    const { conversation_id, seq } = message
    if (message.sender_id !== this.userId) this.#noteDelivered(conversation_id, seq)
    if (notification && seq > (this.#notified.get(conversation_id) ?? 0)) {
      this.#notified.set(conversation_id, seq)
      this.#emit('notification', notification)
    }
  }

  /**
   * Pass a message on if it is the next one; otherwise let a sync bring the ones before it.
   *
   * @param {Message | WithheldMessage} message
   * @param {any} context
   */
  #meetMessage(message, context) {
    const { conversation_id, seq } = message
    const known = this.#knownOf(conversation_id).seq
    if (seq <= known + 1 && !('content_withheld' in message)) return this.#deliver(message, context)
    if (seq <= Math.max(known, this.#wanted.get(conversation_id) ?? 0)) return
    this.#wanted.set(conversation_id, seq)
    this.sync().catch((error) => console.error('sync failed', error))
  }

  /**
   * @param {Message} message
   * @param {any} context
   */
  #deliver(message, context) {
    const { conversation_id, seq } = message
    const known = this.#knownOf(conversation_id)
    if (seq <= known.seq) return
    known.seq = seq
    this.#emit('new_message', { conversation_id, message, conversation_context: context })
  }

  /**
   * Mark a message of the other member as delivered, a moment later and many at once.
   *
   * @param {string} conversationId
   * @param {number} seq
   */
  #noteDelivered(conversationId, seq) {
    const noted = this.#undelivered.get(conversationId) ?? 0
    this.#undelivered.set(conversationId, Math.max(seq, noted))
    this.#deliveredTimer ??= setTimeout(() => this.#markDelivered(), this.#options.deliveredAfter)
  }

  /** A failure does not matter: the next sync marks the messages that it brings. */
  #markDelivered() {
    this.#deliveredTimer = undefined
    for (const [conversation_id, up_to_seq] of this.#undelivered) {
      this.call('mark_delivered', { conversation_id, up_to_seq }).catch(() => {})
    }
    this.#undelivered.clear()
  }

  /**
   * No context has the version 0, so the next sync brings it.
   *
   * @param {string} conversationId
   */
  #knownOf(conversationId) {
    return (this.known[conversationId] ??= { seq: 0, version: 0 })
  }

  /**
   * @param {string} event
   * @param {any} payload
   */
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

  get #ownTopic() {
    return `user:${this.userId}`
  }

  /** @param {ParleyClient['connection']} status */
  #setConnection(status) {
    if (this.connection === status) return
    this.connection = status
    this.#emit('connection', { status })
  }

  /**
   * Join a private channel, once; after each join, also later ones, sync or show the presence.
   *
   * @param {string} topic
   * @returns {Promise<void>}
   */
  #enter(topic) {
    const before = this.#joins.get(topic)
    if (before) return before.promise
    const { promise, resolve, reject } = /** @type {PromiseWithResolvers<void>} */ (
      Promise.withResolvers()
    )
    const join = { promise, resolve, reject, channel: null }
    this.#joins.set(topic, join)
    this.#join(topic, join).catch(reject)
    return promise
  }

  /**
   * @param {string} topic
   * @param {Join} join
   */
  async #join(topic, join) {
    await this.#leaving.get(topic)
    await this.supabase.realtime.setAuth() // the session's token, refreshed if it is old
    if (this.#joins.get(topic) !== join) return
    const [kind, id] = topic.split(':')
    const isConversation = kind === 'conversation'
    const presence = { key: this.userId, enabled: isConversation }
    const channel = this.supabase.channel(topic, { config: { private: true, presence } })
    join.channel = channel
    if (isConversation) {
      channel.on('broadcast', { event: '*' }, (sent) => this.#hearMember(id, sent))
      channel.on('presence', { event: 'sync' }, () => this.#comparePresence(topic, channel))
    } else {
      channel.on('broadcast', { event: '*' }, (sent) => this.#hear(sent))
    }
    channel.subscribe((state, error) => {
      if (this.#joins.get(topic) !== join || join.channel !== channel) return
      if (topic === this.#ownTopic && state !== 'SUBSCRIBED') this.#setConnection('reconnecting')
      if (state === 'SUBSCRIBED') this.#arrive(topic, channel).then(join.resolve, join.reject)
      else if (error?.message.includes('Unauthorized')) {
        join.reject(new ParleyError(`${topic} is not yours.`, 'CHANNEL_REFUSED', null, 403))
        if (topic === this.#ownTopic) this.stop()
        else this.#leave(topic)
      } else if (state === 'CLOSED') {
        // The server ended it, because the token ran out: the SDK has forgotten the channel.
        this.#sleep(delayOf(0))
          .then(() => (this.#joins.get(topic) === join ? this.#join(topic, join) : undefined))
          .catch(join.reject)
      }
    })
  }

  /** @param {string} topic */
  async #leave(topic) {
    const join = this.#joins.get(topic)
    for (const kept of [this.#joins, this.#presences, this.#statuses]) kept.delete(topic)
    if (!join) return
    join.resolve() // who still waits for it has called this off
    if (!join.channel) return
    const leaving = this.supabase.removeChannel(join.channel)
    this.#leaving.set(topic, leaving)
    await leaving
    if (this.#leaving.get(topic) === leaving) this.#leaving.delete(topic)
  }

  /**
   * @param {string} topic
   * @param {RealtimeChannel} channel
   */
  async #arrive(topic, channel) {
    if (topic === this.#ownTopic) {
      this.#setConnection('connected')
      return this.sync()
    }
    await this.#meet(topic.slice('conversation:'.length))
    const presence = this.#presences.get(topic)
    if (presence) await channel.track(presence)
  }

  /**
   * Learn who the other member is, unless a sync has said so.
   *
   * @param {string} conversation_id
   */
  async #meet(conversation_id) {
    if (this.#others.has(conversation_id)) return
    const context = await this.callUntilAnswered('get_conversation_context', { conversation_id })
    if ('other_party' in context) this.#others.set(conversation_id, context.other_party.id)
  }

  /**
   * Pass on the status of the other member; any other presence is forged.
   *
   * @param {string} topic
   * @param {RealtimeChannel} channel
   */
  #comparePresence(topic, channel) {
    const conversation_id = topic.slice('conversation:'.length)
    const user_id = this.#others.get(conversation_id)
    if (!user_id) return
    const devices = /** @type {{status?: string}[]} */ (channel.presenceState()[user_id] ?? [])
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
 * What the server asks for, else doubling, always with some chance in it.
 *
 * @param {number} attempt
 * @param {ParleyError} [error]
 */
function delayOf(attempt, error) {
  const asked = error?.details.retry_after // browsers may not read the header Retry-After
  if (asked !== undefined) return asked * 1000 + Math.random() * 1000
  return 100 + Math.random() * Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** attempt)
}
