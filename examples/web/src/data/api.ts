// Every question that a screen asks, in one place.

import type { ParleyClient } from '../../../javascript/parley-client.mjs'
import type {
  Action,
  Bid,
  Campaign,
  Context,
  Escrow,
  HistoryEvent,
  Message,
  Notice,
  Offer,
  Person,
  PointsEntry,
  Quota,
  Rating,
  Submission,
} from './types'

export const PAGE = 50

export type Filter = 'open' | 'unread' | 'my_turn' | 'direct' | 'deals' | 'archived'

export interface InboxPage {
  conversations: Context[]
  next_cursor: string | null
}

export const getInbox = (client: ParleyClient, filter: Filter | 'all', cursor: string | null) =>
  client.callUntilAnswered<InboxPage>('get_conversations', { filter, cursor, page_size: 50 })

export interface ChatScreen {
  context: Context
  messages: Message[]
  actions: Action[]
  quota: Quota
}

export async function getChat(client: ParleyClient, conversation_id: string): Promise<ChatScreen> {
  const { conversation, messages, actions, quota } = await client.call<
    Omit<ChatScreen, 'context'> & { conversation: Context }
  >('get_chat_screen', { conversation_id, page_size: PAGE })
  return { context: conversation, messages: messages.reverse(), actions, quota }
}

/** A page of older messages, oldest first. */
export async function getOlder(client: ParleyClient, conversation_id: string, before_seq: number) {
  const args = { conversation_id, before_seq, page_size: PAGE }
  return (await client.call<Message[]>('get_messages', args)).reverse()
}

/** A page of newer messages, oldest first. */
export const getNewer = (client: ParleyClient, conversation_id: string, after_seq: number) =>
  client.call<Message[]>('get_messages', { conversation_id, after_seq, page_size: PAGE })

export interface Step {
  state: string
  title: string
  place: 'done' | 'now' | 'ahead' | 'skipped'
}

export interface DealScreen {
  states: Step[]
  money: { agreed_minor: number | null; due_minor: number; currency: string } & Escrow
  offers: Offer[]
  submissions: Submission[]
  ratings: { mine: Rating | null; theirs: Rating | null }
  history: HistoryEvent[]
  proof: { valid: boolean; events: number }
}

export const getDeal = (client: ParleyClient, conversation_id: string) =>
  client.call<DealScreen>('get_deal_screen', { conversation_id })

export interface Market {
  bids: Bid[]
  campaigns: Campaign[]
}

/** What is open, and what is one's own. */
export async function getMarket(client: ParleyClient): Promise<Market> {
  const { bids, campaigns, mine, profile } = await client.call<
    Market & { mine: Market; profile: Person }
  >('get_market_screen', { page_size: 50 })
  return {
    bids: withMine(bids, mine.bids, profile),
    campaigns: withMine(campaigns, mine.campaigns, profile),
  }
}

function withMine<T extends Bid | Campaign>(open: T[], mine: T[], owner: Person): T[] {
  const known = new Set(open.map((each) => each.id))
  return [
    ...open,
    ...mine.filter((each) => !known.has(each.id)).map((each) => ({ ...each, owner })),
  ]
}

export async function findPeople({ supabase }: ParleyClient, name: string, role?: string) {
  let query = supabase
    .from('users')
    .select('id, display_name, avatar_url, role')
    .not('display_name', 'is', null)
    .order('created_at', { ascending: false })
    .limit(20)
  if (name) query = query.ilike('display_name', `%${name.replaceAll(/[%_\\]/g, '\\$&')}%`)
  if (role) query = query.eq('role', role)
  const { data, error } = await query
  if (error) throw error
  return data as Person[]
}

export const getQuota = (client: ParleyClient) => client.callUntilAnswered<Quota>('get_quota')

export const getQuotaScreen = (client: ParleyClient) =>
  client.call<{ quota: Quota; history: PointsEntry[] }>('get_quota_screen')

export const getNotices = (client: ParleyClient) =>
  client.call<Notice[]>('get_notifications', { page_size: 50 })

export const search = (client: ParleyClient, query: string, conversation_id: string) =>
  client.call<Message[]>('search_messages', { query, conversation_id, page_size: 30 })

/** A name as the API writes it, for people: "two_words" becomes "Two words". */
export function humanise(name: string): string {
  const words = name.replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}
