// Every question that a screen asks, in one place.

import type { ParleyClient } from '../../../javascript/parley-client.mjs'
import type {
  Action,
  Bid,
  Campaign,
  Context,
  HistoryEvent,
  Message,
  Notice,
  Offer,
  Person,
  PointsEntry,
  Quota,
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
}

export async function getChat(client: ParleyClient, conversation_id: string): Promise<ChatScreen> {
  const [context, messages, actions] = await Promise.all([
    client.call<Context>('get_conversation_context', { conversation_id }),
    client.call<Message[]>('get_messages', { conversation_id, page_size: PAGE }),
    client.call<Action[]>('get_available_actions', { conversation_id }),
  ])
  return { context, messages: messages.reverse(), actions }
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
  label: string
  place: 'done' | 'now' | 'ahead'
}

export interface DealScreen {
  steps: Step[]
  history: HistoryEvent[]
  offers: Offer[]
  submissions: Submission[]
  proof: { valid: boolean; events: number }
}

export async function getDeal(client: ParleyClient, id: string): Promise<DealScreen> {
  const { supabase } = client
  const [history, proof, offers, submissions] = await Promise.all([
    client.call<HistoryEvent[]>('get_conversation_history', { conversation_id: id }),
    client.call<DealScreen['proof']>('verify_conversation', { conversation_id: id }),
    supabase.from('offers').select('*').eq('conversation_id', id).order('created_at'),
    supabase.from('work_submissions').select('*').eq('conversation_id', id).order('number'),
  ])
  const passed = [...new Set(history.map((event) => event.to_state))]
  const now = history.at(-1)?.to_state
  const steps = passed.map((state): Step => {
    return { state, label: humanise(state), place: state === now ? 'now' : 'done' }
  })
  return {
    steps,
    history,
    proof,
    offers: (offers.data ?? []) as Offer[],
    submissions: (submissions.data ?? []) as Submission[],
  }
}

export interface Market {
  bids: Bid[]
  campaigns: Campaign[]
  people: Map<string, Person>
}

export async function getMarket({ supabase }: ParleyClient): Promise<Market> {
  const [bids, campaigns] = await Promise.all([
    supabase.from('bids').select('*').order('created_at', { ascending: false }).limit(50),
    supabase.from('campaigns').select('*').order('created_at', { ascending: false }).limit(50),
  ])
  const error = bids.error ?? campaigns.error
  if (error) throw error
  const market = { bids: bids.data as Bid[], campaigns: campaigns.data as Campaign[] }
  const ids = [
    ...market.bids.map((bid) => bid.influencer_id),
    ...market.campaigns.map((campaign) => campaign.brand_owner_id),
  ]
  const { data } = await supabase
    .from('users')
    .select('*')
    .in('id', [...new Set(ids)])
  return { ...market, people: new Map((data as Person[] | null)?.map((each) => [each.id, each])) }
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

export const getPointsHistory = (client: ParleyClient) =>
  client.call<PointsEntry[]>('get_points_history', { page_size: 20 })

export const getNotices = (client: ParleyClient) =>
  client.call<Notice[]>('get_notifications', { page_size: 50 })

export const search = (client: ParleyClient, query: string, conversation_id: string) =>
  client.call<Message[]>('search_messages', { query, conversation_id, page_size: 30 })

/** A name as the API writes it, for people: "two_words" becomes "Two words". */
export function humanise(name: string): string {
  const words = name.replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}
