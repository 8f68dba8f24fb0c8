// The shapes of docs/API.md.

export interface Message {
  id: string
  conversation_id: string
  seq: number
  sender_id: string | null
  receiver_id: string | null
  message: string | null
  media_url: string | null
  message_type: string
  visible_to: string | null
  action_required: boolean
  action_data: ActionData | null
  action_completed: boolean
  is_automated: boolean
  reply_to: string | null
  client_message_id: string | null
  expires_at: string | null
  seen: boolean
  is_read: boolean
  read_at: string | null
  status: 'sent' | 'delivered' | 'read'
  created_at: string
  content_withheld?: boolean
}

export interface ActionData {
  title?: string
  subtitle?: string
  buttons?: { id: string; text: string; style: string; action: string; data?: Record<string, any> }[]
  input_fields?: { id: string; type: string; value?: string | number; [more: string]: any }[]
  submit_action?: string
  submit_button?: { text: string; style: string }
  payment_order?: Record<string, any>
  expires_at?: string
  [more: string]: any
}

export interface Context {
  conversation_id: string
  kind: 'direct' | 'bid' | 'campaign'
  chat_status: string
  flow_state: string | null
  awaiting_role: string | null
  my_role: string | null
  version: number
  last_seq: number
  read_seq: number
  unread_count: number
  other_party: { id: string; display_name: string | null; [more: string]: any }
  [more: string]: any
}

export interface Quota {
  daily_free_limit: number
  used_today: number
  free_left: number
  points_per_message: number
  points_balance: number
  resets_at: string
  timezone: string
}

export interface Action {
  action: string
  button_id: string
  text: string
  style: string
  input: Record<string, any> | null
  schema: Record<string, any>
  deadline_at: string | null
}

export interface ActionResult {
  success: true
  conversation: Context
  messages: Message[]
  actions: Action[]
  flow_update: {
    previous_state: string
    new_state: string
    awaiting_role: string | null
    reason: string | null
    path: string[]
  }
}

export interface Functions {
  [name: string]: { args: Record<string, unknown>; answer: any }
}

export type FunctionName = Extract<keyof Functions, string>
