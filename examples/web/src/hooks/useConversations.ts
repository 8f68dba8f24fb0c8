import { useCallback, useEffect, useMemo, useState } from 'react'
import type { Context } from '../../../javascript/types'
import type { Filter } from '../data/api'
import { useSession, useSessionState } from './useSession'

const FITS: Record<Filter, (context: Context) => boolean> = {
  open: (context) => !context.archived,
  unread: (context) => context.unread_count > 0,
  my_turn: isMyTurn,
  direct: (context) => context.kind === 'direct' && !context.archived,
  deals: (context) => context.kind !== 'direct' && !context.archived,
  archived: (context) => context.archived,
}

/** Whether a deal waits for me, as the server says it. */
export function isMyTurn({ waiting_on, my_role }: Context): boolean {
  return waiting_on === my_role
}

/** Whether nobody has to act, as the server says it. */
export function isNobodysTurn({ waiting_on }: Context): boolean {
  return waiting_on === 'none'
}

/** The conversations that fit the filter, pinned ones first, then the newest. */
export function useConversations(filter: Filter) {
  const session = useSession()
  const all = useSessionState((state) => state.conversations)
  const isLoaded = useSessionState((state) => state.isLoaded)
  const cursor = useSessionState((state) => state.cursors[filter])
  const [error, setError] = useState<Error | null>(null)

  const loadMore = useCallback(async () => {
    try {
      await session.loadInbox(filter)
      setError(null)
    } catch (failure) {
      setError(failure as Error)
    }
  }, [session, filter])

  useEffect(() => {
    if (isLoaded && filter !== 'open' && session.state.cursors[filter] === undefined) {
      void loadMore()
    }
  }, [isLoaded, filter, session, loadMore])

  const conversations = useMemo(
    () => Object.values(all).filter(FITS[filter]).sort(byPlace),
    [all, filter],
  )
  return { conversations, loading: !isLoaded, error, hasMore: Boolean(cursor), loadMore }
}

function byPlace(a: Context, b: Context): number {
  if (a.pinned !== b.pinned) return a.pinned ? -1 : 1
  return lastMoveOf(b) - lastMoveOf(a)
}

const lastMoveOf = (context: Context): number =>
  Date.parse(context.last_message?.created_at ?? context.created_at)
