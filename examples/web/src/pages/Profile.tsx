// Who I am here, what others see of me, whom I block, and how this page looks.

import { useEffect, useState } from 'react'
import type { Owner, Privacy as PrivacySettings } from '../../../javascript/types'
import { Avatar } from '../components/bits'
import { type Schema, SchemaForm } from '../components/SchemaForm'
import { getPeople, humanise } from '../data/api'
import { canPush, isPushed, startPush, stopPush } from '../data/push'
import { nameOf } from '../data/session'
import { useSession, useSessionState } from '../hooks/useSession'

const NAME = { type: 'string', maxLength: 80, title: 'Your name' }

const PHONE = { type: 'string', maxLength: 20, title: 'Phone, for payments only' }
const PROFILE: Schema = {
  required: ['display_name'],
  properties: { display_name: NAME, phone: PHONE },
}

export default function Profile() {
  const session = useSession()
  const me = useSessionState((state) => state.me)
  const [said, setSaid] = useState('')

  return (
    <main className="page page-narrow">
      <header className="page-head">
        <h1>Profile</h1>
        <button
          type="button"
          className="button button-secondary"
          onClick={() => void session.supabase.auth.signOut({ scope: 'local' })}
        >
          Sign out
        </button>
      </header>
      <section className="box">
        <div className="profile-card">
          <Avatar person={me ?? undefined} size="l" />
          <div>
            <strong dir="auto">{nameOf(me ?? undefined)}</strong>
            <p className="muted">{me?.role ? humanise(me.role) : ''}</p>
          </div>
        </div>
        <SchemaForm
          schema={PROFILE}
          submit="Save"
          style="primary"
          values={{ display_name: me?.display_name ?? '', phone: me?.phone ?? '' }}
          onSubmit={async (input) => {
            setSaid('')
            await session.client.call('complete_profile', input)
            await session.loadMe()
            setSaid('Saved.')
          }}
        />
        <p role="status" className="said">
          {said}
        </p>
      </section>
      <Privacy />
      <Pushes />
      <Looks />
      <Blocked />
    </main>
  )
}

function Switch({
  label,
  isOn,
  onChange,
}: {
  label: string
  isOn: boolean
  onChange: (isOn: boolean) => void
}) {
  return (
    <label className="switch">
      <span>{label}</span>
      <input
        type="checkbox"
        role="switch"
        aria-checked={isOn}
        checked={isOn}
        onChange={(event) => onChange(event.target.checked)}
      />
    </label>
  )
}

function Privacy() {
  const session = useSession()
  const privacy = useSessionState((state) => state.me?.privacy)
  const set = (wanted: Partial<PrivacySettings>) =>
    session.client.call('set_privacy', wanted).then(() => session.loadMe())
  return (
    <section className="box">
      <h2>Privacy</h2>
      <Switch
        label="Others see when you were last here"
        isOn={privacy?.last_seen ?? true}
        onChange={(last_seen) => set({ last_seen })}
      />
      <Switch
        label="Others see what you have read, and you see it of them"
        isOn={privacy?.read_receipts ?? true}
        onChange={(read_receipts) => set({ read_receipts })}
      />
    </section>
  )
}

function Pushes() {
  const session = useSession()
  const [isOn, setOn] = useState(false)
  const [fault, setFault] = useState('')
  const isPossible = canPush(session)
  useEffect(() => {
    if (isPossible) void isPushed().then(setOn)
  }, [isPossible])

  async function set(wanted: boolean) {
    try {
      setFault('')
      await (wanted ? startPush(session) : stopPush(session))
      setOn(wanted)
    } catch (error) {
      setFault((error as Error).message)
    }
  }

  return (
    <section className="box">
      <h2>Notifications</h2>
      {isPossible ? (
        <Switch label="Tell me on this device when I am away" isOn={isOn} onChange={set} />
      ) : (
        <p className="muted">This browser or this server has no push notifications.</p>
      )}
      <p className="muted">A push never shows the text of a message.</p>
      {fault && (
        <p className="field-fault" role="alert">
          {fault}
        </p>
      )}
    </section>
  )
}

export function setTheme(theme: string) {
  if (theme === 'system') {
    delete document.documentElement.dataset.theme
    localStorage.removeItem('parley.theme')
  } else {
    document.documentElement.dataset.theme = theme
    localStorage.setItem('parley.theme', theme)
  }
}

function Looks() {
  const [theme, set] = useState(document.documentElement.dataset.theme ?? 'system')
  return (
    <section className="box">
      <h2>Looks</h2>
      <fieldset className="filters">
        <legend className="visually-hidden">Colours</legend>
        {['system', 'light', 'dark'].map((each) => (
          <button
            key={each}
            type="button"
            aria-pressed={theme === each}
            onClick={() => {
              setTheme(each)
              set(each)
            }}
          >
            {humanise(each)}
          </button>
        ))}
      </fieldset>
    </section>
  )
}

function Blocked() {
  const session = useSession()
  const blocked = useSessionState((state) => state.blocked)
  const [people, setPeople] = useState<Owner[]>([])
  useEffect(() => {
    const ids = Object.keys(blocked)
    if (!ids.length) return setPeople([])
    void getPeople(session.client, ids).then(setPeople)
  }, [session, blocked])
  return (
    <section className="box">
      <h2>Blocked people</h2>
      {Object.keys(blocked).length === 0 && (
        <p className="muted">Nobody. Block somebody from their chat.</p>
      )}
      <ul className="rows">
        {people.map((person) => (
          <li key={person.id} className="person">
            <Avatar person={person} size="s" />
            <span className="row-text" dir="auto">
              {nameOf(person)}
            </span>
            <button
              type="button"
              className="button button-secondary button-small"
              onClick={() => void session.setBlocked(person.id, false)}
            >
              Unblock
            </button>
          </li>
        ))}
      </ul>
    </section>
  )
}
