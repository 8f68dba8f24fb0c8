// Every question that a screen asks, in one place.

import { readError } from '../../../javascript/errors.mjs'
import type { ParleyClient } from '../../../javascript/parley-client.mjs'
import type {
  Answers,
  Bid,
  BidShown,
  Campaign,
  Context,
  Functions,
  Owner,
  Profile,
} from '../../../javascript/types'

export const PAGE = 50
const ROWS = 50
// Screens that are kept, so that one which has not changed is not sent again.
const KEPT = 20

export type Filter = 'open' | 'unread' | 'my_turn' | 'direct' | 'deals' | 'archived'

type ScreenName = Extract<keyof Answers, `get_${string}_screen`>
type Screen<N extends ScreenName> = Exclude<Answers[N], { not_modified: true }>
type Question<N extends ScreenName> = Omit<Functions[N]['args'], 'known_version'>

const keepers = new WeakMap<ParleyClient, Map<string, Screen<ScreenName>>>()

/** A screen; one that is kept is sent again only if it changed. */
async function ask<N extends ScreenName>(
  client: ParleyClient,
  name: N,
  args: Question<N>,
  how: 'call' | 'callUntilAnswered' = 'call',
) {
  const kept = keepers.get(client) ?? new Map<string, Screen<ScreenName>>()
  keepers.set(client, kept)
  const key = `${name} ${JSON.stringify(args)}`
  const before = kept.get(key) as Screen<N> | undefined
  kept.delete(key)
  const question = { ...args, known_version: before?.version ?? null } as Functions[N]['args']
  const answer = await client[how](name, question)
  const screen = 'not_modified' in answer && before ? before : (answer as Screen<N>)
  kept.set(key, screen)
  if (kept.size > KEPT) kept.delete(kept.keys().next().value as string)
  return screen
}

/** Keep no screen any more: something on one of them has disappeared. */
export const forgetScreens = (client: ParleyClient) => void keepers.delete(client)

/** The first page of the inbox with what stands around it. */
export const getInbox = (client: ParleyClient, filter: Filter | 'all') =>
  ask(client, 'get_inbox_screen', { filter, page_size: ROWS }, 'callUntilAnswered')

/** A later page of the inbox. */
export const getMoreOfInbox = (client: ParleyClient, filter: Filter | 'all', cursor: string) =>
  client.callUntilAnswered('get_conversations', { filter, cursor, page_size: ROWS })

/** A chat with its newest messages, oldest first. */
export async function getChat(client: ParleyClient, conversation_id: string) {
  const screen = await ask(client, 'get_chat_screen', { conversation_id, page_size: PAGE })
  return { ...screen, messages: screen.messages.toReversed() }
}

export const getContext = (client: ParleyClient, conversation_id: string) =>
  client.call('get_conversation_context', { conversation_id }) as Promise<Context>

/** A page of older messages, oldest first. */
export async function getOlder(client: ParleyClient, conversation_id: string, before_seq: number) {
  const args = { conversation_id, before_seq, page_size: PAGE }
  return (await client.call('get_messages', args)).reverse()
}

/** A page of newer messages, oldest first. */
export const getNewer = (client: ParleyClient, conversation_id: string, after_seq: number) =>
  client.call('get_messages', { conversation_id, after_seq, page_size: PAGE })

export const getDeal = (client: ParleyClient, conversation_id: string) =>
  ask(client, 'get_deal_screen', { conversation_id })

type Offered = Pick<BidShown, 'owner' | 'conversation_id'>

export interface Market {
  bids: (Bid & Offered)[]
  campaigns: (Campaign & Offered)[]
}

/** What is open, and what is one's own. */
export async function getMarket(client: ParleyClient): Promise<Market> {
  const screen = await ask(client, 'get_market_screen', { page_size: 50 })
  const { bids, campaigns, mine, profile } = screen
  return {
    bids: withMine(bids, mine.bids, profile),
    campaigns: withMine(campaigns, mine.campaigns, profile),
  }
}

function withMine<T extends { id: string }>(
  open: (T & Offered)[],
  mine: T[],
  owner: Profile,
): (T & Offered)[] {
  const known = new Set(open.map((each) => each.id))
  const others = mine.filter((each) => !known.has(each.id))
  return [...open, ...others.map((each) => ({ ...each, owner, conversation_id: null }))]
}

export async function findPeople({ supabase }: ParleyClient, name: string, role?: string) {
  let query = supabase
    .from('users')
    .select('id, display_name, avatar_url, role')
    .not('display_name', 'is', null)
    .in('role', role ? [role] : ['influencer', 'brand_owner'])
    .order('created_at', { ascending: false })
    .limit(20)
  if (name) query = query.ilike('display_name', `%${name.replaceAll(/[%_\\]/g, '\\$&')}%`)
  const { data, error, status } = await query
  if (error) throw readError(error, status)
  return data as Owner[]
}

export async function getPeople({ supabase }: ParleyClient, ids: string[]) {
  const { data, error, status } = await supabase.from('users').select().in('id', ids)
  if (error) throw readError(error, status)
  return data as Owner[]
}

export const getQuotaScreen = (client: ParleyClient) => ask(client, 'get_quota_screen', {})

export const getNotices = (client: ParleyClient) =>
  client.call('get_notifications', { page_size: 50 })

export const search = (client: ParleyClient, query: string, conversation_id: string) =>
  client.call('search_messages', { query, conversation_id, page_size: 30 })

/** A name as the API writes it, for people: "two_words" becomes "Two words". */
export function humanise(name: string): string {
  const words = name.replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}
