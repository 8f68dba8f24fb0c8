// The messages of a chat. The reader's place is theirs: it moves only when they are at the end and
// something new comes, or when they ask.

import {
  useCallback,
  useEffect,
  useImperativeHandle,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react'
import type { Context, Message } from '../../../javascript/types'
import { formatDay, serverNow } from '../data/clock'
import type { Outgoing } from '../data/outbox'
import { type Chat, headOf, nameOf } from '../data/session'
import { useSession } from '../hooks/useSession'
import { ActionCard } from './ActionCard'
import { Icon } from './Icon'
import { type Bubble, type Delivery, MessageRow, Notice } from './MessageRow'

// Pixels from an end within which the reader counts as being there.
const NEAR_END = 60
const NEAR_START = 600
const CHUNK = 50
// Messages of one person closer than this stand together.
const TOGETHER = 5 * 60_000

export interface MessageListHandle {
  jumpTo: (seq: number) => void
}

export function MessageList({
  chat,
  context,
  queued,
  onMore,
  ref,
}: {
  chat: Chat
  context: Context
  queued: Outgoing[]
  onMore: (message: Message) => void
  ref: React.Ref<MessageListHandle>
}) {
  const session = useSession()
  const id = context.conversation_id
  const scroller = useRef<HTMLDivElement>(null)
  const place = useRef({ isAtEnd: true, key: '', top: 0, isShown: false })
  const seen = useRef({ last: 0, queued: 0 })
  const isLoading = useRef(false)
  const [isAway, setAway] = useState(false)
  const [news, setNews] = useState(0)
  const { messages } = chat

  // Where the reader is: the row at the top of what is visible, and whether the end is.
  const notePlace = useCallback(() => {
    const list = scroller.current
    if (!list) return
    const { left, top, width } = list.getBoundingClientRect()
    let row: Element | null | undefined = null
    for (let down = 8; down < 160 && !row; down += 24) {
      row = document.elementFromPoint(left + width / 2, top + down)?.closest('[data-key]')
    }
    const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_END
    place.current.isAtEnd = isAtEnd
    place.current.key = row?.getAttribute('data-key') ?? ''
    place.current.top = row ? row.getBoundingClientRect().top : 0
    setAway(!isAtEnd || !chat.isAtEnd)
    if (isAtEnd && chat.isAtEnd) {
      setNews(0)
      void session.markRead(id)
    }
  }, [chat.isAtEnd, session, id])

  const toEnd = useCallback(() => {
    const list = scroller.current
    if (list) list.scrollTop = list.scrollHeight
  }, [])

  const rowOf = useCallback(
    (key: string) => scroller.current?.querySelector(`[data-key="${CSS.escape(key)}"]`),
    [],
  )

  // After each change of the list: stay at the end, or keep the row that was on top where it was.
  useLayoutEffect(() => {
    const list = scroller.current
    if (!list) return
    const last = messages.at(-1)
    const added = messages.filter(
      (message) => message.seq > seen.current.last && message.sender_id !== session.userId,
    ).length
    const isFirst = !place.current.isShown && messages.length > 0
    const hasWritten = queued.length > seen.current.queued
    seen.current = { last: Math.max(seen.current.last, last?.seq ?? 0), queued: queued.length }
    if (isFirst) {
      place.current.isShown = true
      const line = list.querySelector('.unread-line')
      if (line) line.scrollIntoView({ block: 'start' })
      else toEnd()
    } else if (hasWritten || (place.current.isAtEnd && chat.isAtEnd)) toEnd()
    else {
      const row = place.current.key ? rowOf(place.current.key) : null
      if (row) list.scrollTop += row.getBoundingClientRect().top - place.current.top
      if (added && chat.isAtEnd) setNews((before) => before + added)
    }
    notePlace()
  }, [messages, queued.length, chat.isAtEnd, notePlace, rowOf, toEnd, session])

  // The list also changes its height: a keyboard opens, the composer grows, a form unfolds.
  useEffect(() => {
    const list = scroller.current
    if (!list) return
    const observer = new ResizeObserver(() => {
      if (place.current.isAtEnd) toEnd()
    })
    observer.observe(list)
    if (list.firstElementChild) observer.observe(list.firstElementChild)
    return () => observer.disconnect()
  }, [toEnd])

  useEffect(() => {
    const look = () => {
      if (place.current.isAtEnd) void session.markRead(id)
    }
    window.addEventListener('focus', look)
    document.addEventListener('visibilitychange', look)
    return () => {
      window.removeEventListener('focus', look)
      document.removeEventListener('visibilitychange', look)
    }
  }, [session, id])

  async function load(work: () => Promise<void>) {
    if (isLoading.current) return
    isLoading.current = true
    try {
      await work()
    } catch {
      // Without a connection the next scroll asks again.
    } finally {
      isLoading.current = false
    }
  }

  function onScroll() {
    notePlace()
    const list = scroller.current
    if (!list) return
    if (list.scrollTop < NEAR_START && chat.hasOlder) void load(() => session.loadOlder(id))
    else if (place.current.isAtEnd && !chat.isAtEnd) void load(() => session.loadNewer(id))
  }

  const jumpTo = useCallback(
    async (seq: number) => {
      await session.jumpTo(id, seq)
      place.current.isAtEnd = false
      requestAnimationFrame(() => {
        const row = scroller.current?.querySelector(`[data-seq="${seq}"]`)
        if (!row) return
        row.scrollIntoView({ block: 'center' })
        row.classList.remove('is-found')
        requestAnimationFrame(() => row.classList.add('is-found'))
        notePlace()
      })
    },
    [session, id, notePlace],
  )
  useImperativeHandle(ref, () => ({ jumpTo }), [jumpTo])

  async function backToEnd() {
    await session.jumpToEnd(id)
    place.current.isAtEnd = true
    setNews(0)
    requestAnimationFrame(toEnd)
  }

  const byId = useMemo(() => new Map(messages.map((each) => [each.id, each])), [messages])
  const more = useCallback(
    (key: string) => {
      const found = messages.find((each) => keyOf(each) === key)
      if (found) onMore(found)
    },
    [messages, onMore],
  )
  const latest = useRef(more)
  latest.current = more
  const onMoreOf = useCallback((key: string) => latest.current(key), [])

  const name = nameOf(context.other_party)
  const quoteOf = (reply_to: string | null): Bubble['quote'] => {
    if (!reply_to) return null
    const quoted = byId.get(reply_to)
    if (!quoted) return { name: 'Earlier message', text: '', seq: null }
    const author = quoted.sender_id === session.userId ? 'You' : name
    return { name: author, text: headOf(quoted).slice(0, 140), seq: quoted.seq }
  }

  // What was here when the chat was opened is cut into chunks that cost nothing while they are off
  // the screen; what comes later joins the last one, where a message can stay what it is.
  const newest = useRef(0)
  newest.current ||= messages.at(-1)?.seq ?? 0
  const chunkOf = (seq: number) => Math.floor(Math.min(seq, newest.current) / CHUNK)
  const chunks = new Map<number, React.ReactNode[]>()
  let rows: React.ReactNode[] = []
  const turnTo = (chunk: number) => {
    rows = chunks.get(chunk) ?? []
    chunks.set(chunk, rows)
  }
  let before: { at: string; author: string } | null = null
  let isUnreadShown = false
  for (const message of messages) {
    turnTo(chunkOf(message.seq))
    const isMine = message.sender_id === session.userId
    if (!isSameDay(before?.at, message.created_at)) {
      rows.push(<DayLine key={`day-${message.seq}`} at={message.created_at} />)
      before = null
    }
    const isUnread = message.seq > chat.readUpTo && !isMine
    if (isUnread && !isUnreadShown && chat.readUpTo > 0) {
      isUnreadShown = true
      before = null
      rows.push(
        <li key="unread" className="unread-line">
          <span>Unread</span>
        </li>,
      )
    }
    const author = message.message_type === 'user_input' ? message.sender_id : ''
    if (message.action_required) {
      rows.push(
        <li key={message.id} className="card-row" data-key={message.id} data-seq={message.seq}>
          <ActionCard message={message} actions={chat.actions} />
        </li>,
      )
    } else if (author) {
      const bubble: Bubble = {
        key: keyOf(message),
        seq: message.seq,
        text: message.message,
        media: message.media_url,
        files: message.attachments,
        at: message.created_at,
        isMine,
        expiresAt: message.expires_at,
        delivery: isMine ? deliveryOf(message, context) : null,
        quote: quoteOf(message.reply_to),
        isFirst: !before || before.author !== author || isApart(before.at, message.created_at),
        refused: null,
      }
      rows.push(
        <MessageRow
          key={bubble.key}
          bubble={bubble}
          name={name}
          onMore={onMoreOf}
          onJump={jumpTo}
        />,
      )
    } else rows.push(<Notice key={message.id} message={message} />)
    before = { at: message.created_at, author }
  }
  for (const entry of chat.isAtEnd ? queued : []) {
    turnTo(chunkOf(Number.POSITIVE_INFINITY))
    const isFirst = before?.author !== session.userId || isApart(before.at, entry.created_at)
    const bubble: Bubble = {
      key: entry.id,
      seq: null,
      text: entry.message,
      media: null,
      files: entry.attachments,
      at: entry.created_at,
      isMine: true,
      expiresAt: null,
      delivery: entry.refused ? 'refused' : 'waiting',
      quote: quoteOf(entry.reply_to),
      isFirst,
      refused: entry.refused,
    }
    rows.push(
      <MessageRow key={entry.id} bubble={bubble} name={name} onMore={onMoreOf} onJump={jumpTo} />,
    )
    before = { at: entry.created_at, author: session.userId }
  }

  return (
    <div className="message-list-frame">
      <section
        className="message-list"
        ref={scroller}
        onScroll={onScroll}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, also by keyboard
        tabIndex={0}
        aria-label={`Messages with ${name}`}
      >
        <div className="messages">
          {chat.hasOlder && <p className="older">Older messages …</p>}
          {[...chunks].map(([chunk, inside]) => (
            <ol key={chunk} className="chunk">
              {inside}
            </ol>
          ))}
        </div>
      </section>
      {isAway && (
        <button type="button" className="pill" onClick={() => void backToEnd()}>
          <Icon name="down" size={16} />
          {news ? `${news} new ${news === 1 ? 'message' : 'messages'}` : 'Newest messages'}
        </button>
      )}
    </div>
  )
}

/** The same before and after it is stored. */
const keyOf = (message: Message): string => message.client_message_id ?? message.id

function deliveryOf(message: Message, context: Context): Delivery {
  if (message.seq <= context.other_read_seq) return 'read'
  if (message.seq <= context.other_delivered_seq) return 'delivered'
  return message.status
}

const isSameDay = (a: string | undefined, b: string) =>
  a !== undefined && new Date(a).toDateString() === new Date(b).toDateString()

const isApart = (a: string, b: string) => Date.parse(b) - Date.parse(a) > TOGETHER

function DayLine({ at }: { at: string }) {
  return (
    <li className="day-line">
      <span>{formatDay(at, serverNow())}</span>
    </li>
  )
}
