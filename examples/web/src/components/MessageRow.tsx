// One message of either side. A message that is being sent and the stored one share one element, so
// that nothing flashes or moves when the server has stored it.

import { memo } from 'react'
import type { Attachment, Message } from '../../../javascript/types'
import { formatLeft, formatTime } from '../data/clock'
import type { Outgoing } from '../data/outbox'
import { useSession } from '../hooks/useSession'
import { Attachments } from './Attachments'
import { Ticking } from './bits'
import { Icon, type IconName } from './Icon'
import { Quote } from './Quote'
import { RichText } from './RichText'

export type Delivery = 'waiting' | 'refused' | 'sent' | 'delivered' | 'read'

const TICKS: Record<Delivery, { icon: IconName; label: string }> = {
  waiting: { icon: 'clock', label: 'Waiting to be sent' },
  refused: { icon: 'warning', label: 'Not sent' },
  sent: { icon: 'sent', label: 'Sent' },
  delivered: { icon: 'double', label: 'Delivered' },
  read: { icon: 'double', label: 'Read' },
}

export interface Bubble {
  key: string
  seq: number | null
  text: string
  media: string | null
  files: Attachment[] | null
  at: string
  isMine: boolean
  expiresAt: string | null
  delivery: Delivery | null
  quote: { name: string; text: string; seq: number | null } | null
  isFirst: boolean
  refused: Outgoing['refused']
}

export const MessageRow = memo(
  function MessageRow({
    bubble,
    name,
    onMore,
    onJump,
  }: {
    bubble: Bubble
    name: string
    onMore: (key: string) => void
    onJump: (seq: number) => void
  }) {
    const { isMine, quote, expiresAt, delivery, refused } = bubble
    const tick = delivery && TICKS[delivery]
    return (
      <li
        className="message"
        data-mine={isMine}
        data-first={bubble.isFirst}
        data-key={bubble.key}
        data-seq={bubble.seq ?? undefined}
        data-delivery={delivery ?? undefined}
      >
        <div className="bubble">
          <span className="visually-hidden">{isMine ? 'You' : name}: </span>
          {quote && (
            <button
              type="button"
              className="quote"
              disabled={quote.seq === null}
              onClick={() => quote.seq !== null && onJump(quote.seq)}
            >
              <strong>{quote.name}</strong>
              <span dir="auto">{quote.text}</span>
            </button>
          )}
          <Attachments files={bubble.files} expiresAt={expiresAt} />
          {bubble.text && <RichText text={bubble.text} />}
          {bubble.media && <RichText text={bubble.media} />}
          <span className="meta">
            {expiresAt && (
              <span className="expiry">
                <Icon name="timer" size={13} />
                <Ticking at={expiresAt} format={formatLeft} every={1000} />
              </span>
            )}
            <time dateTime={bubble.at}>{formatTime(bubble.at)}</time>
            {tick && (
              <span className="tick" title={tick.label}>
                <Icon name={tick.icon} size={15} />
                <span className="visually-hidden">{tick.label}</span>
              </span>
            )}
          </span>
        </div>
        {bubble.seq !== null && (
          <button
            type="button"
            className="message-more icon-button"
            aria-label="More about this message"
            onClick={() => onMore(bubble.key)}
          >
            <Icon name="more" size={16} />
          </button>
        )}
        {refused && <Refused id={bubble.key} refused={refused} />}
      </li>
    )
  },
  (before, after) =>
    before.name === after.name &&
    before.onMore === after.onMore &&
    JSON.stringify(before.bubble) === JSON.stringify(after.bubble),
)

/** Why a message was not taken, and what its author can do. */
function Refused({ id, refused }: { id: string; refused: NonNullable<Outgoing['refused']> }) {
  const { outbox } = useSession()
  const needed = Number(refused.details?.needed)
  const isPrice = refused.code === 'POINTS_LIMIT' && needed > 0
  return (
    <div className="refused" role="alert">
      <p>{isPrice ? `This message costs ${needed} points.` : refused.message}</p>
      <button
        type="button"
        className="button button-small button-primary"
        onClick={() => outbox.retry(id, isPrice ? needed : undefined)}
      >
        {isPrice ? `Send for ${needed} points` : 'Try again'}
      </button>
      <button
        type="button"
        className="button button-small button-plain"
        onClick={() => outbox.discard(id)}
      >
        Discard
      </button>
    </div>
  )
}

/** What the system says to both, or to the one who acted. */
export const Notice = memo(function Notice({ message }: { message: Message }) {
  return (
    <li className="notice" data-key={message.id} data-seq={message.seq}>
      <RichText text={message.message} />
      <Quote message={message} />
      <Attachments files={message.attachments} />
    </li>
  )
})
