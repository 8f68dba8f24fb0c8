// One conversation: who it is with, what was said, what can be done, where to write.

import { Suspense, useCallback, useRef, useState } from 'react'
import { flushSync } from 'react-dom'
import type { ParleyError } from '../../../javascript/parley-client.mjs'
import type { Context, Found, Message } from '../../../javascript/types'
import * as api from '../data/api'
import { formatAgo, useNow } from '../data/clock'
import { later } from '../data/later'
import { headOf, nameOf } from '../data/session'
import { isMyTurn, isNobodysTurn } from '../hooks/useConversations'
import { useMedia } from '../hooks/useMedia'
import { useMessages } from '../hooks/useMessages'
import { useSession, useSessionState } from '../hooks/useSession'
import { Avatar, Boundary, Dialog, IconButton, Menu, Skeleton, Ticking, Trouble } from './bits'
import { Composer } from './Composer'
import { Icon } from './Icon'
import { MessageList, type MessageListHandle } from './MessageList'
import { Highlighted } from './RichText'

const DealPanel = later(() => import('./DealPanel'))

export function ChatInterface({ conversationId }: { conversationId: string }) {
  const session = useSession()
  const { chat, queued, sendMessage, error } = useMessages(conversationId)
  const context = useSessionState((state) => state.conversations[conversationId])
  const isBlocked = useSessionState(
    (state) => state.blocked[context?.other_party.id ?? ''] === true,
  )
  const list = useRef<MessageListHandle>(null)
  const panelButton = useRef<HTMLButtonElement>(null)
  const searchButton = useRef<HTMLButtonElement>(null)
  const [replyTo, setReplyTo] = useState<Message | null>(null)
  const [about, setAbout] = useState<Message | null>(null)
  const [isOver, setOver] = useState(false)
  const [isSearching, setSearching] = useState(false)
  const [isPanelOpen, setPanelOpen] = useState(() => innerWidth >= 1180)
  const isNarrow = useMedia('(width < 46rem)')
  const more = useCallback((message: Message) => setAbout(message), [])

  /** The focus returns to the button that opened the deal. */
  function closePanel() {
    flushSync(() => setPanelOpen(false))
    panelButton.current?.focus()
  }

  const isDeal = context !== undefined && context.kind !== 'direct'
  const canWrite = !isBlocked && context?.free_text_allowed !== false
  const isCovered = isDeal && isPanelOpen && isNarrow
  const name = nameOf(context?.other_party)
  return (
    <div className="chat-frame">
      <section
        className="chat"
        aria-label={`Conversation with ${name}`}
        inert={isCovered}
        data-drop={isOver}
        onDragOver={(event) => {
          if (!canWrite || !event.dataTransfer.types.includes('Files')) return
          event.preventDefault()
          setOver(true)
        }}
        onDragLeave={(event) => {
          if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOver(false)
        }}
        onDrop={(event) => {
          setOver(false)
          if (!canWrite || !event.dataTransfer.files.length) return
          event.preventDefault()
          session.uploadsOf(conversationId).add(event.dataTransfer.files)
        }}
      >
        <ChatHead
          context={context}
          isPanelOpen={isPanelOpen}
          onPanel={isDeal ? () => setPanelOpen((open) => !open) : undefined}
          onSearch={() => setSearching((searching) => !searching)}
          panelButton={panelButton}
          searchButton={searchButton}
        />
        {isSearching && (
          <SearchBar
            conversationId={conversationId}
            onFound={(seq) => list.current?.jumpTo(seq)}
            onClose={() => {
              setSearching(false)
              searchButton.current?.focus()
            }}
          />
        )}
        {chat && context ? (
          <MessageList ref={list} chat={chat} context={context} queued={queued} onMore={more} />
        ) : error ? (
          <Trouble error={error} onRetry={() => void session.open(conversationId)} />
        ) : (
          <Skeleton rows={7} kind="row" />
        )}
        {context && (
          <footer className="chat-foot">
            {isBlocked ? (
              <p className="foot-note">
                You have blocked {name}.{' '}
                <button
                  type="button"
                  className="button button-small button-secondary"
                  onClick={() => void session.setBlocked(context.other_party.id, false)}
                >
                  Unblock
                </button>
              </p>
            ) : context.free_text_allowed ? (
              <Composer
                key={conversationId}
                conversationId={conversationId}
                replyTo={replyTo}
                replyName={replyTo?.sender_id === session.userId ? 'You' : name}
                onReplyDone={() => setReplyTo(null)}
                onSend={sendMessage}
              />
            ) : (
              <p className="foot-note">
                <Icon name="lock" size={16} /> {whoIsNext(context, name)}
              </p>
            )}
          </footer>
        )}
      </section>
      {isDeal && isPanelOpen && (
        <Boundary>
          <Suspense
            fallback={
              <aside className="deal-panel" aria-label="Deal">
                <Skeleton rows={4} kind="card" />
              </aside>
            }
          >
            <DealPanel context={context} isOnTop={isNarrow} onClose={closePanel} />
          </Suspense>
        </Boundary>
      )}
      {about && (
        <AboutMessage
          message={about}
          isMine={about.sender_id === session.userId}
          onReply={() => setReplyTo(about)}
          onClose={() => setAbout(null)}
        />
      )}
    </div>
  )
}

/** As long as a mute may be, and a little less. */
function inNineYears(): string {
  return new Date(Date.now() + 9 * 365 * 24 * 3_600_000).toISOString()
}

function whoIsNext(context: Context, name: string): string {
  if (isMyTurn(context)) return 'It is your turn: answer with the card above.'
  if (isNobodysTurn(context)) return 'Nothing can be written here now.'
  if (context.awaiting_role === null) {
    return `Waiting for ${api.humanise(context.waiting_on ?? '').toLowerCase()}.`
  }
  return `${name} is next. Free text opens when the work is done.`
}

function ChatHead({
  context,
  isPanelOpen,
  onPanel,
  onSearch,
  panelButton,
  searchButton,
}: {
  context: Context | undefined
  isPanelOpen: boolean
  onPanel: (() => void) | undefined
  onSearch: () => void
  panelButton: React.Ref<HTMLButtonElement>
  searchButton: React.Ref<HTMLButtonElement>
}) {
  const session = useSession()
  const now = useNow(30_000)
  const id = context?.conversation_id ?? ''
  const status = useSessionState((state) => state.presence[id])
  const isTyping = useSessionState((state) => (state.typing[id] ?? 0) > 0)
  const isBlocked = useSessionState((state) => state.blocked[context?.other_party.id ?? ''])
  const isMuted = Boolean(context?.muted_until && Date.parse(context.muted_until) > now)
  const set = (preferences: object) => void session.setPreferences(id, preferences)
  return (
    <header className="chat-head">
      <IconButton
        className="icon-button only-narrow"
        icon="back"
        label="Back to the chats"
        // In place of this chat, so that the browser's own way back does not lead here again.
        onClick={() => location.replace('#/')}
      />
      <Avatar person={context?.other_party} status={status} />
      <div className="chat-who">
        <h1 dir="auto">{context ? nameOf(context.other_party) : '…'}</h1>
        <p className="muted">{context ? aboutOf(context, status, isTyping, now) : ' '}</p>
      </div>
      <IconButton
        ref={searchButton}
        icon="search"
        label="Search in this chat"
        onClick={onSearch}
        disabled={!context}
      />
      {onPanel && (
        <IconButton
          ref={panelButton}
          icon="panel"
          label={isPanelOpen ? 'Hide the deal' : 'Show the deal'}
          aria-pressed={isPanelOpen}
          onClick={onPanel}
        />
      )}
      {context && (
        <Menu label="More about this chat">
          <button type="button" onClick={() => set({ pinned: !context.pinned })}>
            {context.pinned ? 'Unpin' : 'Pin to the top'}
          </button>
          <button
            type="button"
            onClick={() => set({ muted_until: isMuted ? '2000-01-01' : inNineYears() })}
          >
            {isMuted ? 'Unmute' : 'Mute'}
          </button>
          <button type="button" onClick={() => set({ archived: !context.archived })}>
            {context.archived ? 'Move to the inbox' : 'Archive'}
          </button>
          <button
            type="button"
            className="danger"
            onClick={() => void session.setBlocked(context.other_party.id, !isBlocked)}
          >
            {isBlocked ? 'Unblock' : 'Block'}
          </button>
        </Menu>
      )}
    </header>
  )
}

function aboutOf(
  { other_party: other, kind }: Context,
  status: string | undefined,
  isTyping: boolean,
  now: number,
): string {
  if (isTyping) return 'typing …'
  if (status === 'online') return 'online'
  if (status === 'away') return 'away'
  if (other.last_seen_at) return `seen ${ago(other.last_seen_at, now)}`
  return kind === 'direct' ? 'direct chat' : `deal from a ${kind}`
}

function ago(at: string, now: number): string {
  const text = formatAgo(at, now)
  if (text === 'now') return 'just now'
  return /min|h$/.test(text) ? `${text} ago` : text
}

function SearchBar({
  conversationId,
  onFound,
  onClose,
}: {
  conversationId: string
  onFound: (seq: number) => void
  onClose: () => void
}) {
  const { client } = useSession()
  const [found, setFound] = useState<Found[] | null>(null)
  const [fault, setFault] = useState('')

  async function find(query: string) {
    try {
      setFault('')
      setFound(await api.search(client, query, conversationId))
    } catch (error) {
      setFault((error as ParleyError).message)
    }
  }

  return (
    <search className="search">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          const query = String(new FormData(event.currentTarget).get('query')).trim()
          if (query) void find(query)
        }}
      >
        <input
          name="query"
          type="search"
          placeholder="Search this chat, then Enter"
          aria-label="Search this chat"
          // biome-ignore lint/a11y/noAutofocus: it opens on purpose
          autoFocus
          maxLength={200}
          onKeyDown={(event) => event.key === 'Escape' && onClose()}
        />
        <IconButton icon="close" label="Close the search" onClick={onClose} />
      </form>
      {fault && (
        <p className="field-fault" role="alert">
          {fault}
        </p>
      )}
      {found && (
        <ul className="hits" aria-label="Found">
          {found.length === 0 && <li className="muted">Nothing here has all of these words.</li>}
          {found.map((message) => (
            <li key={message.id}>
              <button type="button" onClick={() => onFound(message.seq)}>
                <Highlighted
                  text={message.highlight?.text ?? message.message}
                  ranges={(message.highlight?.ranges ?? []) as [number, number][]}
                />
                <Ticking at={message.created_at} format={formatAgo} />
              </button>
            </li>
          ))}
        </ul>
      )}
    </search>
  )
}

const REASONS = ['spam', 'abuse', 'fraud', 'nudity', 'impersonation', 'other']

function AboutMessage({
  message,
  isMine,
  onReply,
  onClose,
}: {
  message: Message
  isMine: boolean
  onReply: () => void
  onClose: () => void
}) {
  const { client } = useSession()
  const [said, setSaid] = useState('')

  async function report(reason: string) {
    try {
      await client.call('report_message', { message_id: message.id, reason })
      setSaid('Thank you. Somebody will look at it.')
    } catch (error) {
      setSaid((error as ParleyError).message)
    }
  }

  return (
    <Dialog title="Message" onClose={onClose}>
      <blockquote className="about-message" dir="auto">
        {headOf(message).slice(0, 400)}
      </blockquote>
      <div className="dialog-buttons">
        <button
          type="button"
          className="button button-secondary"
          onClick={() => {
            onReply()
            onClose()
          }}
        >
          Reply
        </button>
        <button
          type="button"
          className="button button-secondary"
          disabled={!message.message}
          onClick={() => void navigator.clipboard.writeText(message.message).then(onClose)}
        >
          Copy
        </button>
      </div>
      {!isMine && (
        <form
          className="schema-form"
          onSubmit={(event) => {
            event.preventDefault()
            void report(String(new FormData(event.currentTarget).get('reason')))
          }}
        >
          <div className="field">
            <label htmlFor="report-reason">Report it as</label>
            <select id="report-reason" name="reason">
              {REASONS.map((reason) => (
                <option key={reason} value={reason}>
                  {api.humanise(reason)}
                </option>
              ))}
            </select>
          </div>
          <div className="form-buttons">
            <button type="submit" className="button button-danger">
              Report
            </button>
          </div>
        </form>
      )}
      {said && <p role="status">{said}</p>}
    </Dialog>
  )
}
