// Free messages and points, and where the points went.

import { useCallback, useEffect, useState } from 'react'
import type { PointsEntry } from '../../../javascript/types'
import { Empty, Skeleton, Ticking, Trouble } from '../components/bits'
import { QuotaDisplay } from '../components/QuotaDisplay'
import * as api from '../data/api'
import { formatAgo } from '../data/clock'
import { useSession, useSessionState } from '../hooks/useSession'

export default function QuotaPage() {
  const { client } = useSession()
  const balance = useSessionState((state) => state.quota?.points_balance)
  const [entries, setEntries] = useState<PointsEntry[] | null>(null)
  const [error, setError] = useState<Error | null>(null)

  const load = useCallback(() => {
    setError(null)
    api.getQuotaScreen(client).then(({ history }) => setEntries(history), setError)
  }, [client])
  // biome-ignore lint/correctness/useExhaustiveDependencies: again when points have moved
  useEffect(load, [load, balance])

  return (
    <main className="page page-narrow">
      <header className="page-head">
        <h1>Messages and points</h1>
      </header>
      <QuotaDisplay />
      <h2>Points</h2>
      {error && <Trouble error={error} onRetry={load} />}
      {!entries && !error && <Skeleton rows={3} />}
      {entries?.length === 0 && (
        <Empty icon="quota" title="No points have moved">
          <p>What you get and what you spend is listed here.</p>
        </Empty>
      )}
      <ul className="ledger">
        {entries?.map((entry) => (
          <li key={entry.id}>
            <span>
              {api.humanise(entry.reason)}{' '}
              <span className="muted">
                <Ticking at={entry.created_at} format={formatAgo} />
              </span>
            </span>
            <strong data-minus={entry.delta < 0}>
              {entry.delta > 0 ? '+' : '−'}
              {Math.abs(entry.delta)}
            </strong>
          </li>
        ))}
      </ul>
    </main>
  )
}
