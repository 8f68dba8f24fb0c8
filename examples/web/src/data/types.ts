// The answers of the API, as far as this client reads them.

export type Role = 'influencer' | 'brand_owner'
export type Kind = 'direct' | 'bid' | 'campaign'

export interface Message {
  id: string
  conversation_id: string
  seq: number
  sender_id: string
  receiver_id: string | null
  message: string
  media_url: string | null
  message_type: 'user_input' | 'system' | 'automated' | 'audit'
  visible_to: string | null
  action_required: boolean
  action_data: ActionData | null
  action_completed: boolean
  is_automated: boolean
  reply_to: string | null
  client_message_id: string | null
  expires_at: string | null
  status: 'sent' | 'delivered' | 'read'
  created_at: string
  content_withheld?: boolean
  highlight?: { text: string; ranges: [number, number][] }
}

export interface Field {
  id: string
  type: string
  required?: boolean | null
  min?: number | null
  max?: number | null
  maxLength?: number | null
  placeholder?: string | null
  value?: string | number | null
}

export interface Button {
  id: string
  text: string
  style: string
  action: string
  data?: Record<string, unknown> | null
}

export interface ActionData {
  action_id?: string
  title?: string
  subtitle?: string
  buttons?: Button[]
  input_fields?: Field[]
  schema?: Schema
  submit_action?: string
  submit_button?: { text: string; style: string }
  expires_at?: string | null
  // What a party typed, in their own words.
  quote?: { by: string; text: string }
}

export interface SchemaProperty {
  type?: string | string[]
  description?: string
  title?: string
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  enum?: (string | number)[]
  default?: string | number
}

export interface Schema {
  type?: string
  required?: string[]
  properties?: Record<string, SchemaProperty>
}

export interface Action {
  action: string
  button_id: string
  text: string
  style: string
  input: Field | null
  schema: Schema
  deadline_at: string | null
  cost?: number | null
}

export interface Person {
  id: string
  display_name: string | null
  avatar_url: string | null
  role: Role | null
  last_seen_at?: string | null
}

export interface Profile extends Person {
  phone: string | null
  privacy: { last_seen: boolean; read_receipts: boolean }
}

export interface LastMessage {
  id: string
  seq: number
  message: string | null
  media_url: string | null
  sender_id: string
  created_at: string
  expires_at: string | null
  message_type: Message['message_type']
}

export interface Escrow {
  captured_minor: number
  held_minor: number
  released_minor: number
  fee_minor: number
  refunded_minor: number
  charged_back_minor: number
}

export interface Context {
  conversation_id: string
  kind: Kind
  flow_state: string
  awaiting_role: Role | 'either' | null
  waiting_on: string | null
  my_role: string
  flow_data: Record<string, unknown> | null
  amount_minor: number | null
  currency: string
  deadline_at: string | null
  delivery_due_at: string | null
  escrow: Escrow | null
  version: number
  last_seq: number
  read_seq: number
  other_read_seq: number
  other_delivered_seq: number
  unread_count: number
  last_message: LastMessage | null
  other_party: Person
  other_typing?: boolean
  archived: boolean
  pinned: boolean
  muted_until: string | null
  free_text_allowed: boolean
  created_at: string
  updated_at: string
  server_now: string
}

export interface Quota {
  daily_free_limit: number
  used_today: number
  free_left: number
  points_per_message: number
  cost: number
  points_balance: number
  resets_at: string
  timezone: string
}

export interface ActionResult {
  conversation: Context
  messages: Message[]
  actions: Action[]
  flow_update: { previous_state: string; new_state: string; reason: string }
}

export interface HistoryEvent {
  version: number
  actor_role: string
  action: string
  from_state: string
  to_state: string
  created_at: string
  effective_at: string
}

export interface Offer {
  id: string
  round: number
  made_by: Role
  amount_minor: number
  currency: string
  is_final: boolean
  created_at: string
}

export interface Submission {
  id: string
  number: number
  deliverables: string
  description: string | null
  submission_notes: string | null
  status: string
  feedback: string | null
  submitted_at: string
}

export interface Rating {
  rating: number
  comment: string | null
}

interface Offered {
  owner: Person
  /** The deal that one has on it already. */
  conversation_id?: string | null
}

export interface Bid extends Offered {
  id: string
  influencer_id: string
  title: string
  description: string
  amount_minor: number | null
  currency: string
  status: string
  created_at: string
}

export interface Campaign extends Offered {
  id: string
  brand_owner_id: string
  title: string
  brief: string
  budget_minor: number | null
  currency: string
  status: string
  created_at: string
}

export interface PointsEntry {
  id: number
  delta: number
  reason: string
  balance_after: number
  created_at: string
}

export interface Notice {
  id: number
  type: string
  conversation_id: string | null
  message_id: string | null
  data: Record<string, unknown>
  created_at: string
}
