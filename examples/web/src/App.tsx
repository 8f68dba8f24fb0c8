// The page: who is signed in, where they are, and the frame around it.

import type { Session as AuthSession, SupabaseClient } from '@supabase/supabase-js'
import { type ComponentType, Suspense, useEffect, useRef, useState } from 'react'
import { Boundary, Empty, IconButton, Skeleton, Trouble } from './components/bits'
import { ChatInterface } from './components/ChatInterface'
import { ConversationsList } from './components/ConversationsList'
import { Icon, type IconName } from './components/Icon'
import { QuotaDisplay } from './components/QuotaDisplay'
import { type Schema, SchemaForm } from './components/SchemaForm'
import type { Config } from './data/config'
import { later, loadTheRest } from './data/later'
import { Session } from './data/session'
import { SessionContext, useSession, useSessionState } from './hooks/useSession'
import { SignIn } from './pages/SignIn'

const Market = later(() => import('./pages/Market'))
const QuotaPage = later(() => import('./pages/QuotaPage'))
const Notices = later(() => import('./pages/Notices'))
const Profile = later(() => import('./pages/Profile'))

export function App({ supabase, config }: { supabase: SupabaseClient; config: Config }) {
  const [auth, setAuth] = useState<AuthSession | null | undefined>(undefined)
  const [session, setSession] = useState<Session | null>(null)
  const [notice, setNotice] = useState('')

  useEffect(() => {
    const { data } = supabase.auth.onAuthStateChange((event, next) => {
      if (event === 'TOKEN_REFRESHED') return
      setAuth((before) => (before?.user.id === next?.user.id ? (before ?? null) : next))
    })
    return () => data.subscription.unsubscribe()
  }, [supabase])

  useEffect(() => {
    if (!auth) return setSession(null)
    const made = new Session(supabase, auth, config)
    setSession(made)
    made.start().catch((error) => made.fail('start', error))
    setNotice('')
    return () => void made.stop()
  }, [auth, supabase, config])

  useEffect(() => {
    if (!session) return
    let isLeaving = false
    const forget = session.subscribe(() => {
      if (!session.state.isOver || isLeaving) return
      isLeaving = true
      const waiting = session.state.outbox.length
      const messages = waiting === 1 ? 'message' : 'messages'
      setNotice(
        waiting
          ? `Your session has ended. Sign in again: ${waiting} unsent ${messages} will follow.`
          : 'You are signed out.',
      )
      void supabase.auth.signOut({ scope: 'local' }).finally(() => setAuth(null))
    })
    return () => void forget()
  }, [session, supabase])

  if (auth === undefined) return <div className="splash" aria-busy="true" />
  if (!auth || !session) return <SignIn supabase={supabase} config={config} notice={notice} />
  return (
    <SessionContext value={session}>
      <Frame />
    </SessionContext>
  )
}

const PLACES: { path: string; icon: IconName; text: string; Page: ComponentType | null }[] = [
  { path: '', icon: 'chats', text: 'Chats', Page: null },
  { path: 'market', icon: 'market', text: 'Market', Page: Market },
  { path: 'notices', icon: 'bell', text: 'News', Page: Notices },
  { path: 'quota', icon: 'quota', text: 'Points', Page: QuotaPage },
  { path: 'profile', icon: 'person', text: 'Profile', Page: Profile },
]

function usePath(): string[] {
  const [path, setPath] = useState(() => location.hash.slice(2))
  useEffect(() => {
    const change = () => setPath(location.hash.slice(2))
    window.addEventListener('hashchange', change)
    return () => window.removeEventListener('hashchange', change)
  }, [])
  return path.split('/')
}

function Frame() {
  const [place = '', id] = usePath()
  const me = useSessionState((state) => state.me)
  const isLoaded = useSessionState((state) => state.isLoaded)
  const error = useSessionState((state) => state.errors.start)
  const hasNews = useSessionState((state) => state.hasNews)
  const openId = place === 'chat' && id ? id : null
  const unread = useSessionState((state) =>
    Object.values(state.conversations).reduce((sum, each) => sum + each.unread_count, 0),
  )
  const Page = PLACES.find((each) => each.path === place)?.Page
  useTitle(unread)
  useEffect(() => {
    if (isLoaded) loadTheRest()
  }, [isLoaded])

  if (error && !isLoaded) {
    return (
      <main className="page">
        <Trouble error={error} onRetry={() => location.reload()} />
      </main>
    )
  }
  if (me && !me.role) return <Welcome />
  return (
    <div className="frame" data-detail={openId !== null}>
      <nav className="places" aria-label="Places">
        <img className="places-brand" src="/icon.svg" alt="" width="32" height="32" />
        {PLACES.map((each) => {
          const isHere = each.path === (Page ? place : '')
          const count = each.path === '' ? unread : 0
          return (
            <a key={each.path} href={`#/${each.path}`} aria-current={isHere ? 'page' : undefined}>
              <span className="place-icon">
                <Icon name={each.icon} size={22} />
                {count > 0 && <span className="badge">{count > 99 ? '99+' : count}</span>}
                {each.path === 'notices' && hasNews && <span className="dot" />}
              </span>
              {each.text}
            </a>
          )
        })}
        <QuotaDisplay isSmall />
      </nav>
      <div className="content">
        <div className="lines">
          <ConnectionLine />
          <Refusal />
        </div>
        {Page ? (
          <Boundary key={place}>
            <Suspense
              fallback={
                <main className="page">
                  <Skeleton rows={4} kind="card" />
                </main>
              }
            >
              <Page />
            </Suspense>
          </Boundary>
        ) : (
          <main className="chats" data-detail={openId !== null}>
            <ConversationsList openId={openId} />
            {openId ? <ChatInterface key={openId} conversationId={openId} /> : <NoChat />}
          </main>
        )}
      </div>
      <Announcer />
    </div>
  )
}

function NoChat() {
  return (
    <section className="chat no-chat" aria-label="Conversation">
      <Empty icon="chats" title="Your chats">
        <p>Choose one to read it, or find somebody in the market.</p>
      </Empty>
    </section>
  )
}

/** What a new account has to say before anything else. */
function Welcome() {
  const session = useSession()
  return (
    <main className="sign-in">
      <div className="sign-in-card">
        <header className="brand">
          <img src="/icon.svg" alt="" width="44" height="44" />
          <h1>Welcome</h1>
          <p className="muted">Who are you here? The role stays; the name can change.</p>
        </header>
        <SchemaForm
          schema={WELCOME}
          submit="Begin"
          style="primary"
          onSubmit={async (input) => {
            await session.client.call('complete_profile', input)
            await session.loadMe()
          }}
        />
      </div>
    </main>
  )
}

const WELCOME: Schema = {
  required: ['role', 'display_name'],
  properties: {
    role: { type: 'string', enum: ['influencer', 'brand_owner'], title: 'You are here as' },
    display_name: { type: 'string', maxLength: 80, title: 'Your name' },
  },
}

const LINES = {
  connected: '',
  reconnecting: 'Reconnecting … nothing is lost.',
  offline: 'Offline. What you write is sent when the connection is back.',
}

/** Says that the connection is gone; a moment without one is not worth a word. */
function ConnectionLine() {
  const { outbox } = useSession()
  const connection = useSessionState((state) => state.connection)
  const waiting = useSessionState((state) => state.outbox.filter((each) => !each.refused).length)
  const [isLong, setLong] = useState(false)
  useEffect(() => {
    setLong(connection === 'offline')
    const timer = setTimeout(() => setLong(true), 2500)
    return () => clearTimeout(timer)
  }, [connection])
  const isShown = connection !== 'connected' && isLong
  return (
    <div className="connection" role="status" data-connection={connection} data-shown={isShown}>
      {isShown && (
        <p>
          {LINES[connection]}
          {waiting > 0 && ` ${waiting} waiting.`}
          {connection === 'reconnecting' && waiting > 0 && (
            <button type="button" onClick={() => outbox.run()}>
              Try now
            </button>
          )}
        </p>
      )}
    </div>
  )
}

/** Shows a refusal that no form and no message shows, until the next click. */
function Refusal() {
  const session = useSession()
  const error = useSessionState((state) => state.errors.page)
  useEffect(() => {
    if (!error) return
    const forgive = () => session.forgive('page')
    document.addEventListener('click', forgive, { capture: true })
    return () => document.removeEventListener('click', forgive, { capture: true })
  }, [session, error])
  if (!error) return null
  return (
    <Trouble error={error}>
      <IconButton icon="close" label="Close" />
    </Trouble>
  )
}

/** Reads new messages to screen readers, each once. */
function Announcer() {
  const announcement = useSessionState((state) => state.announcement)
  return (
    <div className="visually-hidden" aria-live="polite" data-testid="announcer">
      {announcement}
    </div>
  )
}

function useTitle(unread: number) {
  const before = useRef(document.title)
  useEffect(() => {
    document.title = unread ? `(${unread}) ${before.current}` : before.current
  }, [unread])
}
