// How many messages are free today, and what comes after them.

import { formatLeft, useNow } from '../data/clock'
import { useQuota } from '../hooks/useQuota'

export function QuotaDisplay({ isSmall = false }: { isSmall?: boolean }) {
  const { quota, nextCost } = useQuota()
  const now = useNow(30_000)
  if (!quota) return <div className="quota" data-small={isSmall} aria-busy="true" />
  const { free_left, daily_free_limit, points_balance, resets_at, points_per_message } = quota
  const share = daily_free_limit ? free_left / daily_free_limit : 0
  return (
    <section className="quota" data-small={isSmall} data-low={share <= 0.2} aria-label="Quota">
      <p className="quota-count">
        <strong>{free_left}</strong>
        <span>
          {isSmall ? `of ${daily_free_limit} free` : `of ${daily_free_limit} free messages left`}
        </span>
      </p>
      <meter
        min={0}
        max={daily_free_limit}
        value={free_left}
        low={daily_free_limit * 0.2}
        aria-label="Free messages left"
      />
      <p className="muted">
        {isSmall
          ? `${points_balance} points`
          : `You have ${points_balance} points. The next message ${nextCost ? `costs ${nextCost}` : 'is free'}.`}
      </p>
      {!isSmall && (
        <p className="muted">
          {daily_free_limit} free messages again in {formatLeft(resets_at, now)}. After them, a
          message costs {points_per_message} points, and you are asked first.
        </p>
      )}
    </section>
  )
}
