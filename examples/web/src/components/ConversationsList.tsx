// The inbox: every conversation as a row, the newest on top.

import { useEffect, useLayoutEffect, useRef, useState } from 'react'
import type { Context } from '../../../javascript/types'
import type { Filter } from '../data/api'
import { formatAgo, useNow } from '../data/clock'
import { isAlive, nameOf } from '../data/session'
import { isMyTurn, useConversations } from '../hooks/useConversations'
import { useSession, useSessionState } from '../hooks/useSession'
import { Avatar, Empty, Skeleton, Ticking, Trouble } from './bits'
import { Icon } from './Icon'

const FILTERS: { filter: Filter; text: string }[] = [
  { filter: 'open', text: 'All' },
  { filter: 'unread', text: 'Unread' },
  { filter: 'my_turn', text: 'My turn' },
  { filter: 'direct', text: 'Direct' },
  { filter: 'deals', text: 'Deals' },
  { filter: 'archived', text: 'Archived' },
]

const NOTHING: Record<Filter, [title: string, text: string]> = {
  open: ['No chats yet', 'Find somebody in the market, and write the first message.'],
  unread: ['All read', 'New messages show up here.'],
  my_turn: ['Nobody waits for you', 'Deals that need your answer show up here.'],
  direct: ['No direct chats', 'Find somebody in the market, and write the first message.'],
  deals: ['No deals yet', 'A deal begins with a bid or a campaign in the market.'],
  archived: ['Nothing archived', 'An archived chat comes back with its next message.'],
}

export function ConversationsList({ openId }: { openId: string | null }) {
  const [filter, setFilter] = useState<Filter>('open')
  const { conversations, loading, error, hasMore, loadMore } = useConversations(filter)
  const list = useRef<HTMLUListElement>(null)
  useRowsThatMove(list, conversations.map((each) => each.conversation_id).join())

  // Where a chat has hidden the list, the focus comes back to its row.
  const left = useRef(openId)
  useEffect(() => {
    const row = list.current?.querySelector<HTMLElement>(`[data-id="${left.current}"] a`)
    if (!openId) row?.focus({ preventScroll: true })
    left.current = openId
  }, [openId])

  const [title, text] = NOTHING[filter]
  return (
    <section className="inbox" aria-label="Chats">
      <header className="inbox-head">
        <h1>Chats</h1>
      </header>
      <fieldset className="filters">
        <legend className="visually-hidden">Which chats to show</legend>
        {FILTERS.map((each) => (
          <button
            key={each.filter}
            type="button"
            aria-pressed={filter === each.filter}
            onClick={() => setFilter(each.filter)}
          >
            {each.text}
          </button>
        ))}
      </fieldset>
      {error && <Trouble error={error} onRetry={() => void loadMore()} />}
      {loading ? (
        <Skeleton rows={7} />
      ) : (
        <ul className="rows" ref={list}>
          {conversations.map((each) => (
            <Row
              key={each.conversation_id}
              context={each}
              isOpen={each.conversation_id === openId}
            />
          ))}
          {hasMore && (
            <li className="more">
              <button
                type="button"
                className="button button-secondary"
                onClick={() => void loadMore()}
              >
                Show more
              </button>
            </li>
          )}
        </ul>
      )}
      {!loading && !error && conversations.length === 0 && (
        <Empty icon="chats" title={title}>
          <p>{text}</p>
          {(filter === 'open' || filter === 'direct' || filter === 'deals') && (
            <a className="button button-primary" href="#/market">
              To the market
            </a>
          )}
        </Empty>
      )}
    </section>
  )
}

function Row({ context, isOpen }: { context: Context; isOpen: boolean }) {
  const { userId } = useSession()
  const now = useNow(30_000)
  const { conversation_id: id, last_message: last, other_party: other, unread_count } = context
  const isTyping = useSessionState((state) => (state.typing[id] ?? 0) > 0)
  const status = useSessionState((state) => state.presence[id])
  const isRecent = other.last_seen_at && now - Date.parse(other.last_seen_at) < 120_000
  const isMuted = Boolean(context.muted_until && Date.parse(context.muted_until) > now)
  const shown = last && isAlive(last) ? last : null
  return (
    <li data-id={id}>
      <a
        className="row"
        href={`#/chat/${id}`}
        aria-current={isOpen ? 'page' : undefined}
        data-unread={unread_count > 0}
      >
        <Avatar person={other} status={status ?? (isRecent ? 'online' : undefined)} />
        <span className="row-text">
          <span className="row-top">
            <strong dir="auto">{nameOf(other)}</strong>
            {context.kind !== 'direct' && <span className="kind">{context.kind}</span>}
            {context.pinned && <Icon name="pin" size={14} />}
            {isMuted && <Icon name="muted" size={14} />}
            <span className="row-time">
              <Ticking at={last?.created_at ?? context.created_at} format={formatAgo} />
            </span>
          </span>
          <span className="row-bottom">
            <span className="preview" dir="auto" data-typing={isTyping}>
              {isTyping
                ? 'typing …'
                : shown
                  ? `${shown.sender_id === userId ? 'You: ' : ''}${shown.message || shown.attachment_names?.join(', ') || 'Media'}`
                  : 'No message to show'}
            </span>
            {isMyTurn(context) && <span className="turn">Your turn</span>}
            {unread_count > 0 && (
              <span className="badge" data-muted={isMuted}>
                {unread_count > 99 ? '99+' : unread_count}
                <span className="visually-hidden"> unread</span>
              </span>
            )}
          </span>
        </span>
      </a>
    </li>
  )
}

/** Rows glide to their new place; nobody's pointer meets another row than it aimed at. */
function useRowsThatMove(list: React.RefObject<HTMLUListElement | null>, order: string) {
  const tops = useRef(new Map<string, number>())
  // biome-ignore lint/correctness/useExhaustiveDependencies: it runs when the order changes
  useLayoutEffect(() => {
    const before = tops.current
    const after = new Map<string, number>()
    const isStill = matchMedia('(prefers-reduced-motion: reduce)').matches
    for (const row of list.current?.querySelectorAll<HTMLElement>('[data-id]') ?? []) {
      const id = row.dataset.id ?? ''
      after.set(id, row.offsetTop)
      const moved = (before.get(id) ?? row.offsetTop) - row.offsetTop
      if (!moved || isStill) continue
      row.animate([{ transform: `translateY(${moved}px)` }, { transform: 'none' }], {
        duration: 180,
        easing: 'ease-out',
      })
    }
    tops.current = after
  }, [order])
}
