// What the client takes, answers and tells; docs/API.md explains it.

import type { ActionData, Action, ActionResult, Context, Message, Quota } from './api.js'

export type { Action, ActionData, ActionResult, Context, Message, Quota }

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
}

export interface SendResult {
  /** Null: a repeat of a send whose message has expired. */
  message: Message | null
  quota: Quota
  expired?: boolean
}

export interface StepOptions {
  client_action_id?: string
  /** The version of the context that the user saw: a step taken since is a VERSION_CONFLICT. */
  expected_version?: number
}

export interface CleanupResult {
  expired: number
  scrubbed: number
  deadlines_run: number
  throttled: boolean
}

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
  title: string | null
  subtitle: string
  text: string | null
  is_open: boolean
  expires_at: string | null
  payment_order: Record<string, any> | null
  buttons: (ActionButton & { schema: Record<string, any> | null })[]
  form: { fields: FormField[]; submit: { id: string; text?: string; style?: string } } | null
}

export interface ActionButton {
  id: string
  text: string
  style: string
  action: string
  data?: Record<string, any>
  [more: string]: unknown
}

export interface FormField {
  name: string
  type: string
  defaultValue: string | number
  placeholder?: string
  required?: boolean
  min?: number
  max?: number
  maxLength?: number
  [more: string]: unknown
}

/** The compact context in an event. */
export interface CompactContext {
  flow_state: string | null
  chat_status: string
  awaiting_role: string | null
  last_seq: number
  version: number
}

/** The events of a client, by name. */
export interface Events {
  new_message: {
    conversation_id: string
    message: Message
    conversation_context: Context | CompactContext | null
  }
  notification: { type: string; data: Record<string, any> }
  message_delivered: Receipt & { delivered_at: string }
  message_seen: Receipt & { read_at: string }
  conversation_state_changed: {
    conversation_id: string
    previous_state: string
    new_state: string
    reason: string
    timestamp: string
  }
  button_action: StepEvent & { button_id: string }
  text_input: StepEvent & { input_type: string }
  quota_changed: Quota
  user_typing: { conversation_id: string; user_id: string; is_typing: boolean }
  user_status_change: { conversation_id: string; user_id: string; status: 'online' | 'away' }
  user_offline: { conversation_id: string; user_id: string }
  synced: { conversations: Context[] }
  connection: { status: 'closed' | 'connecting' | 'connected' | 'reconnecting' }
}

/** What a callback for `*` gets. */
export type AnyEvent = {
  [E in keyof Events]: { event: E; payload: Events[E] }
}[keyof Events]

interface Receipt {
  conversation_id: string
  message_id: string
  seq: number
  user_id: string
}

interface StepEvent {
  conversation_id: string
  message: Message
  flow_update: ActionResult['flow_update']
  conversation_context: CompactContext
}

export type { FunctionName, Functions } from './api.js'
