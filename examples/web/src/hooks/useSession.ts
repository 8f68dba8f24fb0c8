import { createContext, useContext, useSyncExternalStore } from 'react'
import type { Session, State } from '../data/session'

export const SessionContext = createContext<Session | null>(null)

export function useSession(): Session {
  const session = useContext(SessionContext)
  if (!session) throw new Error('Nobody is signed in.')
  return session
}

/** A part of what the session knows; `select` must give the same object while nothing changed. */
export function useSessionState<T>(select: (state: State) => T): T {
  const session = useSession()
  return useSyncExternalStore(session.subscribe, () => select(session.state))
}
