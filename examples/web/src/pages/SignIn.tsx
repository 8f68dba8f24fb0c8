// The way in: with a password, with a new account, or in a demo as one of its people.

import type { SupabaseClient } from '@supabase/supabase-js'
import { type FormEvent, useState } from 'react'
import { readAuthError } from '../../../javascript/errors.mjs'
import { Avatar } from '../components/bits'
import { Icon } from '../components/Icon'
import type { Config } from '../data/config'

export function SignIn({
  supabase,
  config,
  notice,
}: {
  supabase: SupabaseClient
  config: Config
  notice: string
}) {
  const [isNew, setNew] = useState(false)
  const [isBusy, setBusy] = useState(false)
  const [fault, setFault] = useState('')

  async function enter(how: 'signUp' | 'signInWithPassword', email: string, password: string) {
    setBusy(true)
    setFault('')
    const { data, error } = await supabase.auth[how]({ email, password })
    setBusy(false)
    if (error) setFault(FAULTS[error.code ?? ''] ?? readAuthError(error).message)
    else if (!data.session) setFault('Look into your mailbox and confirm the address first.')
  }

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const data = new FormData(event.currentTarget)
    const email = String(data.get('email')).trim()
    void enter(isNew ? 'signUp' : 'signInWithPassword', email, String(data.get('password')))
  }

  return (
    <main className="sign-in">
      <div className="sign-in-card">
        <header className="brand">
          <img src="/icon.svg" alt="" width="44" height="44" />
          <h1>Parley</h1>
          <p className="muted">Chats that become deals.</p>
        </header>
        {notice && (
          <p className="sign-in-notice" role="status">
            {notice}
          </p>
        )}
        {config.demoPeople.length > 0 && (
          <section className="demo-people" aria-label="People of the demo">
            <h2>Look around as</h2>
            {config.demoPeople.map((person) => (
              <button
                key={person.email}
                type="button"
                className="demo-person"
                disabled={isBusy}
                onClick={() => void enter('signInWithPassword', person.email, person.password)}
              >
                <Avatar
                  person={{
                    id: person.email,
                    display_name: person.name,
                    avatar_url: null,
                    role: null,
                  }}
                />
                <span className="row-text">
                  <strong>{person.name}</strong>
                  <span className="muted">{person.about}</span>
                </span>
                <Icon name="back" size={16} />
              </button>
            ))}
            <p className="muted">Each window has its own sign-in: open two to see both sides.</p>
          </section>
        )}
        <form className="schema-form" onSubmit={submit} key={isNew ? 'new' : 'known'}>
          <div className="field">
            <label htmlFor="email">E-mail</label>
            <input id="email" name="email" type="email" autoComplete="username" required />
          </div>
          <div className="field">
            <label htmlFor="password">Password</label>
            <input
              id="password"
              name="password"
              type="password"
              autoComplete={isNew ? 'new-password' : 'current-password'}
              minLength={isNew ? 6 : undefined}
              required
            />
          </div>
          {fault && (
            <p className="field-fault" role="alert">
              {fault}
            </p>
          )}
          <button type="submit" className="button button-primary button-wide" disabled={isBusy}>
            {isNew ? 'Create an account' : 'Sign in'}
          </button>
        </form>
        <button
          type="button"
          className="button button-plain button-wide"
          onClick={() => {
            setNew(!isNew)
            setFault('')
          }}
        >
          {isNew ? 'I have an account' : 'I am new here'}
        </button>
      </div>
    </main>
  )
}

const FAULTS: Record<string, string> = {
  invalid_credentials: 'This e-mail address and password do not belong together.',
  user_already_exists: 'There is an account with this address: sign in.',
  weak_password: 'The password is too weak: take a longer one.',
}
