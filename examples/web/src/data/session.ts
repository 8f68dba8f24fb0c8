// One signed-in person: what they see, kept up to date by events and by `sync`.

import type { SupabaseClient } from '@supabase/supabase-js'
import { ParleyClient, ParleyError } from '../../../javascript/parley-client.mjs'
import type {
  Action,
  ActionResult,
  Context,
  LastMessage,
  Message,
  Owner,
  Profile,
  Quota,
} from '../../../javascript/types'
import * as api from './api'
import { serverNow, setServerNow } from './clock'
import type { Config } from './config'
import { Outbox, type Outgoing } from './outbox'
import { Uploads } from './uploads'

export interface Chat {
  messages: Message[]
  actions: Action[]
  hasOlder: boolean
  /** Whether the newest message is among them; false after a jump to an old one. */
  isAtEnd: boolean
  /** Where the reader was when the chat was opened: the unread line stays there. */
  readUpTo: number
}

export type Connection = 'connected' | 'reconnecting' | 'offline'

export interface State {
  me: Profile | null
  connection: Connection
  quota: Quota | null
  conversations: Record<string, Context>
  /** The first page is here. */
  isLoaded: boolean
  cursors: Partial<Record<api.Filter, string | null>>
  chats: Record<string, Chat>
  errors: Record<string, ParleyError>
  outbox: Outgoing[]
  /** Until when the other side counts as typing, by conversation. */
  typing: Record<string, number>
  presence: Record<string, 'online' | 'away'>
  blocked: Record<string, true>
  hasNews: boolean
  announcement: string
  isOver: boolean
}

const EMPTY: State = {
  me: null,
  connection: 'reconnecting',
  quota: null,
  conversations: {},
  isLoaded: false,
  cursors: {},
  chats: {},
  errors: {},
  outbox: [],
  typing: {},
  presence: {},
  blocked: {},
  hasNews: false,
  announcement: '',
  isOver: false,
}

const TYPING_LASTS = 6_000

export class Session {
  state = EMPTY
  readonly client: ParleyClient
  readonly outbox: Outbox
  #listeners = new Set<() => void>()
  #timer = 0
  #refreshing = new Map<string, Promise<void>>()
  // The receipts of the last ten seconds: an answer that comes now may be older.
  #heardMarks = new Map<
    string,
    { other_read_seq: number; other_delivered_seq: number; until: number }
  >()
  #opened: string | null = null
  #lastTyping = 0
  #uploads = new Map<string, Uploads>()

  constructor(
    readonly supabase: SupabaseClient,
    session: ConstructorParameters<typeof ParleyClient>[1],
    readonly config: Config,
  ) {
    this.client = new ParleyClient(supabase, session, { appUrl: config.appUrl })
    this.outbox = new Outbox(
      this.client,
      (outbox) => this.set({ outbox }),
      ({ message, quota }) => {
        if (message) this.#addOwn(message)
        if (quota) this.set({ quota })
      },
      () => this.#renewToken(),
    )
    this.set({ outbox: this.outbox.entries })
  }

  get userId() {
    return this.client.userId
  }

  subscribe = (listener: () => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  set(patch: Partial<State>) {
    this.state = { ...this.state, ...patch }
    for (const listener of this.#listeners) listener()
  }

  // Coming and going

  async start() {
    this.supabase.auth.startAutoRefresh()
    this.#listen()
    this.#timer = window.setInterval(() => this.#tick(), 1000)
    window.addEventListener('online', this.#onOnline)
    window.addEventListener('offline', this.#onOffline)
    window.addEventListener('unhandledrejection', this.#onRejection)
    if (this.config.appUrl) void this.client.cleanUp().catch(() => {})
    const { conversations, next_cursor, quota, profile } = await api.getInbox(this.client, 'all')
    this.#takeContexts(conversations)
    this.set({ me: profile, quota, isLoaded: true, cursors: { open: next_cursor } })
    void this.#loadBlocked()
    this.outbox.run()
    await this.#learnTheRest(next_cursor)
    this.client.start().catch((error) => this.fail('start', error))
  }

  async stop() {
    clearInterval(this.#timer)
    window.removeEventListener('online', this.#onOnline)
    window.removeEventListener('offline', this.#onOffline)
    window.removeEventListener('unhandledrejection', this.#onRejection)
    await this.client.close()
  }

  async loadMe() {
    this.set({ me: await this.client.callUntilAnswered('get_profile') })
  }

  /** So that the first sync brings what is new, and not every message there ever was. */
  async #learnTheRest(cursor: string | null) {
    let next = cursor
    for (let page = 0; next && page < 20; page += 1) {
      const more = await api.getMoreOfInbox(this.client, 'all', next)
      this.#takeContexts(more.conversations)
      next = more.next_cursor
    }
    this.set({ cursors: { ...this.state.cursors, open: next } })
  }

  async #loadBlocked() {
    const { data } = await this.supabase.from('blocks').select('blocked_id')
    this.set({ blocked: Object.fromEntries((data ?? []).map((row) => [row.blocked_id, true])) })
  }

  // What is heard

  #listen() {
    const { client } = this
    client.on('new_message', ({ message, conversation_context }) => {
      this.#hear(message, conversation_context)
    })
    client.on('connection', () => this.#tick())
    client.on('synced', ({ conversations }) => {
      this.#takeContexts(conversations)
      const { quota } = this.state
      if (!quota || Date.parse(quota.resets_at) > serverNow()) return
      // Nobody tells of a new day; the next sync asks again.
      client.call('get_quota').then((quota) => this.set({ quota }), console.warn)
    })
    client.on('message_seen', (seen) => this.#takeReceipt(seen, 'other_read_seq'))
    client.on('message_delivered', (got) => this.#takeReceipt(got, 'other_delivered_seq'))
    client.on('quota_changed', (quota) => this.set({ quota }))
    client.on('notification', () => this.set({ hasNews: true }))
    for (const event of ['conversation_state_changed', 'button_action', 'text_input'] as const) {
      client.on(event, ({ conversation_id }) => void this.refresh(conversation_id))
    }
    client.on('user_typing', ({ conversation_id, is_typing }) => {
      const until = is_typing ? Date.now() + TYPING_LASTS : 0
      this.set({ typing: { ...this.state.typing, [conversation_id]: until } })
    })
    client.on('user_status_change', ({ conversation_id, status }) => {
      this.set({ presence: { ...this.state.presence, [conversation_id]: status } })
    })
    client.on('user_offline', ({ conversation_id }) => {
      const { [conversation_id]: _, ...presence } = this.state.presence
      this.set({ presence })
    })
    this.supabase.auth.onAuthStateChange((event) => {
      if (event === 'SIGNED_OUT') this.set({ isOver: true })
    })
  }

  #hear(message: Message, patch: Partial<Context> | null) {
    const { conversation_id, seq } = message
    const before = this.state.conversations[conversation_id]
    const isMine = message.sender_id === this.userId
    const isNew = !before || seq > before.last_seq
    this.#addMessages(conversation_id, [message])
    if (!before) return void this.refresh(conversation_id)
    if (!isNew) return
    const isRead = isMine || this.#isReading(conversation_id)
    const { typing } = this.state
    this.set({ typing: { ...typing, [conversation_id]: 0 } })
    this.#putContext({
      ...before,
      ...patch,
      conversation_id,
      version: before.version,
      last_seq: seq,
      last_message: headlineOf(message),
      unread_count: before.unread_count + (isRead ? 0 : 1),
      archived: false,
    })
    if (message.action_required || before.kind !== 'direct') void this.refresh(conversation_id)
    if (!isMine) {
      const who = message.is_automated ? 'Parley' : nameOf(before.other_party)
      this.set({ announcement: `${who}: ${message.message || 'sent a file'}` })
    }
  }

  #takeReceipt(
    { conversation_id, user_id, seq }: { conversation_id: string; user_id: string; seq: number },
    field: 'other_read_seq' | 'other_delivered_seq',
  ) {
    const context = this.state.conversations[conversation_id]
    if (!context) return
    if (user_id === this.userId) {
      if (field !== 'other_read_seq' || seq < context.read_seq) return
      const unread_count = seq >= context.last_seq ? 0 : context.unread_count
      return this.#putContext({ ...context, read_seq: seq, unread_count })
    }
    const marks = {
      other_read_seq: context.other_read_seq,
      other_delivered_seq: Math.max(seq, context.other_delivered_seq),
    }
    marks[field] = Math.max(seq, marks[field])
    this.#heardMarks.set(conversation_id, { ...marks, until: Date.now() + 10_000 })
    this.#putContext({ ...context, ...marks })
  }

  /** A context with the marks of the other side that were heard while it was on its way. */
  #withHeardMarks(context: Context): Context {
    const heard = this.#heardMarks.get(context.conversation_id)
    if (!heard || heard.until < Date.now()) return context
    return {
      ...context,
      other_read_seq: Math.max(heard.other_read_seq, context.other_read_seq),
      other_delivered_seq: Math.max(heard.other_delivered_seq, context.other_delivered_seq),
    }
  }

  #takeContexts(contexts: Context[]) {
    if (!contexts.length) return
    const conversations = { ...this.state.conversations }
    for (const context of contexts) {
      const { conversation_id, version } = context
      const old = conversations[conversation_id]
      // A screen that was kept carries the time at which it was sent.
      if (!old || Date.parse(old.server_now) < Date.parse(context.server_now)) {
        setServerNow(context.server_now)
      }
      if (old && old.version > version) continue // an answer that was overtaken
      conversations[conversation_id] = this.#withHeardMarks(context)
      if (!old) this.client.remember([context])
      const chat = this.state.chats[conversation_id]
      if (chat && old && old.version < version && old.flow_state !== context.flow_state) {
        void this.refresh(conversation_id)
      }
    }
    this.set({ conversations })
  }

  #putContext(context: Context) {
    const { conversations } = this.state
    this.set({ conversations: { ...conversations, [context.conversation_id]: context } })
  }

  // Chats

  /** Open a chat: from here on it is kept up to date, and read while it is looked at. */
  async open(id: string) {
    this.#opened = id
    this.forgive(id)
    try {
      const { conversation, messages, actions, quota } = await api.getChat(this.client, id)
      const heard = this.state.conversations[id]?.last_seq ?? 0
      this.#takeContexts([conversation])
      this.set({ quota })
      this.#putChat(id, {
        messages: messages.filter(isAlive),
        actions,
        hasOlder: messages.length >= api.PAGE,
        isAtEnd: true,
        readUpTo: conversation.read_seq,
      })
      // What was sent or heard on the way here had no chat to go to.
      if (heard > conversation.last_seq) void this.refresh(id)
      this.client.openConversation(id).catch(() => {})
      const { my_role, amount_minor } = conversation
      if (this.config.appUrl && amount_minor && my_role === 'brand_owner') {
        void this.client.refreshPayment(id).catch(() => {})
      }
    } catch (error) {
      this.fail(id, error)
    }
  }

  close(id: string) {
    this.#opened = null
    void this.client.closeConversation(id)
    const { [id]: _, ...chats } = this.state.chats
    const { [id]: __, ...presence } = this.state.presence
    this.set({ chats, presence })
  }

  /** Ask again for what may have changed: the context, the newest messages, what can be done. */
  refresh(id: string): Promise<void> {
    const running = this.#refreshing.get(id)
    if (running) return running
    const work = (async () => {
      await new Promise((resolve) => setTimeout(resolve, 60)) // a step has several events
      this.#refreshing.delete(id)
      try {
        if (!this.state.chats[id]) {
          return this.#takeContexts([await api.getContext(this.client, id)])
        }
        const { conversation, messages, actions } = await api.getChat(this.client, id)
        this.#takeContexts([conversation])
        this.#addMessages(id, messages)
        const chat = this.state.chats[id]
        if (chat) this.#putChat(id, { ...chat, actions })
      } catch (error) {
        console.warn('A chat could not be read again', error)
      }
    })()
    this.#refreshing.set(id, work)
    return work
  }

  async loadOlder(id: string) {
    const first = this.state.chats[id]?.messages[0]
    if (!first) return
    const older = await api.getOlder(this.client, id, first.seq)
    const chat = this.state.chats[id]
    if (!chat || chat.messages[0]?.seq !== first.seq) return
    const messages = [...older.filter(isAlive), ...chat.messages]
    this.#putChat(id, { ...chat, messages, hasOlder: older.length >= api.PAGE })
  }

  async loadNewer(id: string) {
    const last = this.state.chats[id]?.messages.at(-1)
    if (!last) return
    const newer = await api.getNewer(this.client, id, last.seq)
    const chat = this.state.chats[id]
    if (!chat || chat.messages.at(-1)?.seq !== last.seq) return
    const messages = [...chat.messages, ...newer.filter(isAlive)]
    this.#putChat(id, { ...chat, messages, isAtEnd: newer.length < api.PAGE })
  }

  /** Show the surroundings of a message, wherever it is. */
  async jumpTo(id: string, seq: number) {
    if (this.state.chats[id]?.messages.some((message) => message.seq === seq)) return
    const [older, newer] = await Promise.all([
      api.getOlder(this.client, id, seq + 1),
      api.getNewer(this.client, id, seq),
    ])
    const chat = this.state.chats[id]
    if (!chat) return
    this.#putChat(id, {
      ...chat,
      messages: [...older, ...newer].filter(isAlive),
      hasOlder: older.length >= api.PAGE,
      isAtEnd: newer.length < api.PAGE,
    })
  }

  /** Back to the newest messages. */
  async jumpToEnd(id: string) {
    if (this.state.chats[id]?.isAtEnd) return
    const { messages } = await api.getChat(this.client, id)
    const chat = this.state.chats[id]
    if (!chat) return
    const hasOlder = messages.length >= api.PAGE
    this.#putChat(id, { ...chat, messages: messages.filter(isAlive), hasOlder, isAtEnd: true })
  }

  async markRead(id: string) {
    const context = this.state.conversations[id]
    if (!context || context.read_seq >= context.last_seq || !this.#isReading(id)) return
    const { last_seq, read_seq, unread_count } = context
    this.#putContext({ ...context, read_seq: last_seq, unread_count: 0 })
    try {
      await this.client.markRead(id, last_seq)
    } catch {
      // Unread again, so that the next look marks it.
      const now = this.state.conversations[id]
      if (now?.read_seq === last_seq) this.#putContext({ ...now, read_seq, unread_count })
    }
  }

  /** The files of the message that is being written there; they stay when the chat is left. */
  uploadsOf(id: string): Uploads {
    const uploads = this.#uploads.get(id) ?? new Uploads(this.client, id)
    this.#uploads.set(id, uploads)
    return uploads
  }

  /** Say that I type, at most every three seconds; false at once. */
  setTyping(id: string, isTyping: boolean) {
    const now = Date.now()
    if (isTyping ? now - this.#lastTyping < 3000 : !this.#lastTyping) return
    this.#lastTyping = isTyping ? now : 0
    void this.client.setTyping(id, isTyping)
  }

  #isReading(id: string) {
    return this.#opened === id && document.visibilityState === 'visible' && document.hasFocus()
  }

  #putChat(id: string, chat: Chat) {
    this.set({ chats: { ...this.state.chats, [id]: chat } })
  }

  #addMessages(id: string, incoming: Message[]) {
    const chat = this.state.chats[id]
    if (!chat) return
    const byId = new Map(chat.messages.map((message) => [message.id, message]))
    const last = chat.messages.at(-1)?.seq ?? 0
    const first = chat.messages[0]?.seq ?? 0
    for (const message of incoming) {
      const fits = message.seq >= first && (chat.isAtEnd || message.seq <= last)
      if (isAlive(message) && (fits || !chat.messages.length)) {
        byId.set(message.id, message)
      }
    }
    const messages = [...byId.values()].sort((a, b) => a.seq - b.seq)
    this.#putChat(id, { ...chat, messages })
  }

  #addOwn(message: Message) {
    const { conversation_id, seq } = message
    this.#addMessages(conversation_id, [message])
    const known = this.client.known[conversation_id]
    if (known?.seq === seq - 1) known.seq = seq
    const context = this.state.conversations[conversation_id]
    if (context && seq > context.last_seq) {
      const read_seq = context.unread_count ? context.read_seq : seq
      this.#putContext({ ...context, last_seq: seq, last_message: headlineOf(message), read_seq })
    }
  }

  // What is done

  /** Take a step of a deal; what it changed is shown at once. */
  async act(id: string, take: () => Promise<ActionResult>): Promise<ActionResult> {
    let answer: ActionResult
    try {
      answer = await take()
    } catch (error) {
      // Another step came first: load it, so that the user sees it beside the refusal.
      if (error instanceof ParleyError && error.status === 409) void this.refresh(id)
      throw error
    }
    this.#takeContexts([answer.conversation])
    this.#addMessages(id, answer.messages)
    const chat = this.state.chats[id]
    if (chat) this.#putChat(id, { ...chat, actions: answer.actions })
    void this.refresh(id)
    return answer
  }

  async setPreferences(id: string, preferences: object) {
    const args = { conversation_id: id, ...preferences }
    this.#takeContexts([await this.client.callUntilAnswered('set_conversation_preferences', args)])
  }

  async setBlocked(userId: string, isBlocked: boolean) {
    await this.client.call(isBlocked ? 'block_user' : 'unblock_user', { user_id: userId })
    const { [userId]: _, ...others } = this.state.blocked
    this.set({ blocked: isBlocked ? { ...others, [userId]: true } : others })
    // Whether something may be written there is the server's to say.
    for (const { conversation_id, other_party } of Object.values(this.state.conversations)) {
      if (other_party.id === userId) void this.refresh(conversation_id)
    }
  }

  /** Open the direct chat with somebody; its id. */
  async connect(userId: string): Promise<string> {
    const args = { target_user_id: userId }
    const { conversation } = await this.client.call('direct_connect', args)
    this.#takeContexts([conversation])
    return conversation.conversation_id
  }

  async loadInbox(filter: api.Filter) {
    const cursor = this.state.cursors[filter]
    const { conversations, next_cursor } = cursor
      ? await api.getMoreOfInbox(this.client, filter, cursor)
      : await api.getInbox(this.client, filter)
    this.#takeContexts(conversations)
    this.set({ cursors: { ...this.state.cursors, [filter]: next_cursor } })
  }

  // The connection, the token, the clock

  #onOnline = () => {
    this.#tick()
    this.outbox.run()
    this.client.sync().catch(() => {})
  }

  #onOffline = () => this.set({ connection: 'offline' })

  #tick() {
    const isUp = this.client.connection === 'connected' && this.supabase.realtime.isConnected()
    const connection = !navigator.onLine ? 'offline' : isUp ? 'connected' : 'reconnecting'
    if (connection !== this.state.connection) {
      this.set({ connection })
      if (connection === 'connected') this.outbox.run()
    }
    this.#forgetExpired()
    const { typing } = this.state
    const stale = Object.entries(typing).filter(([, until]) => until && until < Date.now())
    if (stale.length) {
      this.set({ typing: { ...typing, ...Object.fromEntries(stale.map(([id]) => [id, 0])) } })
    }
  }

  #forgetExpired() {
    for (const [id, chat] of Object.entries(this.state.chats)) {
      const messages = chat.messages.filter(isAlive)
      if (messages.length === chat.messages.length) continue
      this.#putChat(id, { ...chat, messages })
      api.forgetScreens(this.client)
    }
    for (const context of Object.values(this.state.conversations)) {
      if (!context.last_message || isAlive(context.last_message)) continue
      this.#putContext({ ...context, last_message: null })
      void this.refresh(context.conversation_id)
    }
  }

  async #renewToken(): Promise<boolean> {
    const { data, error } = await this.supabase.auth.refreshSession()
    if (data.session) return true
    if (error && error.status !== undefined && error.status >= 500) return true
    if (error?.name === 'AuthRetryableFetchError') return true
    this.set({ isOver: true })
    return false
  }

  /** Say what went wrong, where it is shown; who is not let in any more is signed out. */
  fail(what: string, error: unknown) {
    const failure =
      error instanceof ParleyError ? error : new ParleyError(String(error), 'CLIENT_FAILED')
    if (failure.status === 401) void this.#renewToken()
    this.set({ errors: { ...this.state.errors, [what]: failure } })
  }

  forgive(what: string) {
    const { [what]: _, ...errors } = this.state.errors
    this.set({ errors })
  }

  /** A refusal that no screen has caught is shown above all of them; anything else is a bug. */
  #onRejection = (event: PromiseRejectionEvent) => {
    if (!(event.reason instanceof ParleyError)) return
    event.preventDefault()
    this.fail('page', event.reason)
  }
}

/** What stands for a message where it has one line. */
export const headOf = ({ message, attachments }: Pick<Message, 'message' | 'attachments'>) =>
  message || (attachments ?? []).map(({ name }) => name).join(', ')

/** As a list shows it: a message that disappears does not name its files there. */
const headlineOf = (message: Message): LastMessage => ({
  ...message,
  attachment_names: message.expires_at
    ? null
    : (message.attachments?.map(({ name }) => name) ?? null),
})

export const isAlive = ({ expires_at }: { expires_at: string | null }): boolean =>
  !expires_at || Date.parse(expires_at) > serverNow()

export const nameOf = (person: Pick<Owner, 'display_name'> | undefined): string =>
  person?.display_name || 'Somebody'
