// What happened beside the messages: whose turn it is, payments, reviews.

import { useCallback, useEffect, useState } from 'react'
import type { Notification } from '../../../javascript/types'
import { Empty, Skeleton, Ticking, Trouble } from '../components/bits'
import { Icon, type IconName } from '../components/Icon'
import * as api from '../data/api'
import { formatAgo } from '../data/clock'
import { nameOf } from '../data/session'
import { useSession, useSessionState } from '../hooks/useSession'

const TEXTS: Record<string, [icon: IconName, text: string]> = {
  message: ['chats', 'New message'],
  action_required: ['clock', 'It is your turn'],
  payment: ['quota', 'Payment update'],
  work: ['sent', 'Work update'],
  review: ['star', 'Review update'],
  dispute: ['warning', 'Dispute update'],
  deal_closed: ['lock', 'Deal ended'],
  quota_low: ['quota', 'Few free messages are left today'],
  points_low: ['quota', 'Few points are left'],
}

export default function Notices() {
  const session = useSession()
  const conversations = useSessionState((state) => state.conversations)
  const [notices, setNotices] = useState<Notification[] | null>(null)
  const [error, setError] = useState<Error | null>(null)

  const load = useCallback(() => {
    setError(null)
    api.getNotices(session.client).then(setNotices, setError)
  }, [session])
  useEffect(() => {
    load()
    return () => session.set({ hasNews: false })
  }, [session, load])

  return (
    <main className="page page-narrow">
      <header className="page-head">
        <h1>News</h1>
      </header>
      {error && <Trouble error={error} onRetry={load} />}
      {!notices && !error && <Skeleton rows={6} />}
      {notices?.length === 0 && (
        <Empty icon="bell" title="Nothing yet">
          <p>Here you read what happens in your deals while you are away.</p>
        </Empty>
      )}
      <ul className="rows">
        {notices?.map((notice) => {
          const [icon, text] = TEXTS[notice.type] ?? ['bell', api.humanise(notice.type)]
          const about = conversations[notice.conversation_id ?? '']
          return (
            <li key={notice.id}>
              <a
                className="row"
                href={notice.conversation_id ? `#/chat/${notice.conversation_id}` : '#/quota'}
              >
                <span className="notice-icon">
                  <Icon name={icon} />
                </span>
                <span className="row-text">
                  <strong>{text}</strong>
                  <span className="muted" dir="auto">
                    {about ? `with ${nameOf(about.other_party)}` : ''}
                  </span>
                </span>
                <span className="row-time">
                  <Ticking at={notice.created_at} format={formatAgo} />
                </span>
              </a>
            </li>
          )
        })}
      </ul>
    </main>
  )
}
