// What the client takes, answers and tells; docs/API.md explains it.

import type {
  Answers, Attachment, Button, ButtonStyle, Cleanup, Context, DatabaseEvents, Headline, InputField, Message,
  PaymentOrderShown, Quote,
} from './api.js'
import type { Database, Json } from './database.js'

export type { Database }
export type * from './api.js'

type Doors = Database['public']['Functions']
// Null stands for what was left out; any JSON is good where the database takes any.
type Given<A> = { [K in keyof A]: (Json extends A[K] ? object : A[K]) | null }
type Arguments<N> = N extends keyof Doors
  ? [Doors[N]['Args']] extends [never] ? Record<string, never> : Given<Doors[N]['Args']>
  : never

/** Every function that can be called, with its arguments and its answer. */
export type Functions = { [N in keyof Answers]: { args: Arguments<N>; answer: Answers[N] } }
export type FunctionName = keyof Functions
/** Those that take a client_action_id. */
export type StepName = {
  [N in FunctionName]: Answers[N] extends { conversation: Context; messages: Message[] } ? N : never
}[FunctionName]

/** How a client behaves; durations in milliseconds. */
export interface Options {
  /** Address of the Flask app, for what concerns money. */
  appUrl?: string
  /** After so long without an event the client syncs (30 s), */
  quietAfter?: number
  /** later after so long at most (60 s). */
  quietMost?: number
  /** How long what was heard is collected before it is marked as delivered (1 s). */
  deliveredAfter?: number
}

/** What `sync` is told about a conversation. */
export interface Known {
  seq: number
  version: number
}

export interface SendOptions {
  client_message_id?: string
  media_url?: string | null
  expiration_hours?: number | null
  reply_to?: string | null
  max_points?: number | null
  /** Files that were uploaded before. */
  attachments?: Attachment[]
  /** Files to upload first. */
  files?: OutgoingFile[]
  onProgress?: UploadOptions['onProgress']
  signal?: UploadOptions['signal']
}

/** A file to send. */
export type OutgoingFile =
  | File
  | { blob: Blob; name?: string; width?: number | null; height?: number | null }

export interface UploadOptions {
  /** How much has been uploaded, 0 to 1; only at the end where there is no XMLHttpRequest. */
  onProgress?: ((fraction: number) => void) | undefined
  /** Calls the upload off. */
  signal?: AbortSignal | undefined
}

export type SendResult = Answers['send_message']

export interface StepOptions {
  client_action_id?: string
  /** The version of the context that the user saw: a step taken since is a VERSION_CONFLICT. */
  expected_version?: number
}

export type CleanupResult = Cleanup

/** What checkout opens with. */
export interface RazorpayConfig {
  key_id: string
  order_id: string
  amount: number
  currency: string
  [more: string]: unknown
}

/** What checkout gives its handler. */
export interface PaidAtCheckout {
  razorpay_payment_id: string
  razorpay_order_id?: string
  razorpay_signature: string
}

export interface PaymentRefreshed {
  polled: boolean
  flow_state: string
  outcome: string
}

/** What to draw for an action message. */
export interface ActionMessage {
  title: string
  subtitle: string
  text: string
  quote: Quote | null
  is_open: boolean
  expires_at: string | null
  payment_order: PaymentOrderShown | null
  buttons: (Button & { schema: Record<string, any> | null })[]
  form: {
    fields: FormField[]
    submit: { id: string; text?: string; style?: ButtonStyle }
  } | null
}

/** A field as an <input> takes it. */
export type FormField = Omit<InputField, 'id' | 'value'> & { name: string; defaultValue: string }

/** The events of a client, by name: those of the database, of the other member, and its own. */
export interface Events
  extends Omit<DatabaseEvents, 'new_message' | 'bid_changed' | 'campaign_changed'> {
  new_message: {
    conversation_id: string
    message: Message
    /** Null: nobody has told. */
    conversation_context: Context | Headline | null
  }
  user_status_change: { conversation_id: string; user_id: string; status: 'online' | 'away' }
  user_offline: { conversation_id: string; user_id: string }
  synced: { conversations: Context[] }
  connection: { status: 'closed' | 'connecting' | 'connected' | 'reconnecting' }
}

/** What a callback for `*` gets. */
export type AnyEvent = {
  [E in keyof Events]: { event: E; payload: Events[E] }
}[keyof Events]
