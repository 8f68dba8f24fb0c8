// Where messages are written. A draft stays when the page is left; what costs points is asked first.

import { type KeyboardEvent, useEffect, useRef, useState } from 'react'
import type { Message } from '../../../javascript/types'
import { formatTime } from '../data/clock'
import { headOf } from '../data/session'
import { keep, recall } from '../data/storage'
import type { SendOptions } from '../hooks/useMessages'
import { useQuota } from '../hooks/useQuota'
import { useSession } from '../hooks/useSession'
import { IconButton } from './bits'
import { ChooseFiles, FilesToSend, useUploads } from './FilesToSend'
import { Icon } from './Icon'

const LIFETIMES = [
  { hours: 0, text: 'Never' },
  { hours: 1, text: '1 hour' },
  { hours: 24, text: '1 day' },
  { hours: 168, text: '1 week' },
]
const MOST_CHARACTERS = 5000
// The key code that browsers give while an input method has the keyboard, Safari also afterwards.
const INPUT_METHOD = 229

export function Composer({
  conversationId,
  replyTo,
  replyName,
  onReplyDone,
  onSend,
}: {
  conversationId: string
  replyTo: Message | null
  replyName: string
  onReplyDone: () => void
  onSend: (text: string, expirationHours: number | null, options: SendOptions) => void
}) {
  const session = useSession()
  const { quota, nextCost } = useQuota()
  const key = `draft.${session.userId}.${conversationId}`
  const [text, setText] = useState(() => recall(key, ''))
  const [hours, setHours] = useState(0)
  const [isAsking, setAsking] = useState(false)
  const [isWaiting, setWaiting] = useState(false)
  const uploads = session.uploadsOf(conversationId)
  const files = useUploads(uploads)
  const box = useRef<HTMLTextAreaElement>(null)
  const yes = useRef<HTMLButtonElement>(null)

  useEffect(() => {
    if (replyTo) box.current?.focus()
  }, [replyTo])
  useEffect(() => {
    if (isAsking) yes.current?.focus()
  }, [isAsking])
  // With a mouse, an opened chat has the focus for writing; a phone keeps its keyboard shut.
  useEffect(() => {
    if (matchMedia('(hover: hover)').matches) box.current?.focus({ preventScroll: true })
    return () => session.setTyping(conversationId, false)
  }, [session, conversationId])

  function change(value: string) {
    setText(value)
    keep(key, value || null)
    session.setTyping(conversationId, value !== '')
  }

  function send() {
    if (!canSend) return
    const isAgreed = recall('agreed', '') === `${quota?.resets_at} ${nextCost}`
    if (nextCost && !isAgreed) return setAsking(true)
    leave()
  }

  /** Send what is there, as soon as its files are. */
  function leave() {
    if (uploads.isBusy) return setWaiting(true)
    setWaiting(false)
    onSend(text.trim(), hours || null, {
      replyTo: replyTo?.id ?? null,
      maxPoints: nextCost,
      attachments: uploads.take(),
    })
    change('')
    onReplyDone()
    box.current?.focus()
  }

  function agree() {
    keep('agreed', `${quota?.resets_at} ${nextCost}`)
    setAsking(false)
    leave()
  }

  // biome-ignore lint/correctness/useExhaustiveDependencies: when the last file has arrived
  useEffect(() => {
    if (!isWaiting || uploads.isBusy) return
    if (uploads.hasFault || (!files.length && !text.trim())) setWaiting(false)
    else leave()
  }, [isWaiting, files])

  function onKeyDown(event: KeyboardEvent) {
    if (event.key === 'Escape' && replyTo) return onReplyDone()
    if (event.key !== 'Enter' || event.shiftKey) return
    // Enter that picks a word of an input method is not a wish to send.
    if (event.nativeEvent.isComposing || event.keyCode === INPUT_METHOD) return
    event.preventDefault()
    send()
  }

  const surplus = text.length > MOST_CHARACTERS ? [...text.trim()].length - MOST_CHARACTERS : 0
  const canSend = (text.trim() || files.length) && !uploads.hasFault && surplus <= 0
  const isPoor = quota !== null && nextCost > quota.points_balance
  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault()
        send()
      }}
    >
      {replyTo && (
        <div className="reply-to">
          <Icon name="reply" size={16} />
          <span className="reply-text">
            <strong>{replyName}</strong> <span dir="auto">{headOf(replyTo).slice(0, 140)}</span>
          </span>
          <IconButton icon="close" label="Do not reply to this" onClick={onReplyDone} />
        </div>
      )}
      {nextCost > 0 && quota && (
        <p className="cost" data-poor={isPoor}>
          {isPoor
            ? `Today's free messages are used, and the next one costs ${nextCost} points; you have ${quota.points_balance}. New free ones come at ${formatTime(quota.resets_at)}.`
            : `The next message costs ${nextCost} points; you have ${quota.points_balance}.`}
        </p>
      )}
      {isAsking && nextCost > 0 && (
        <div className="ask" role="alertdialog" aria-label="Spend points?">
          <p>
            {isPoor
              ? `You have ${quota.points_balance} points, and this message costs ${nextCost}. It stays here as a draft.`
              : `Send it for ${nextCost} points? Today's free messages are used.`}
          </p>
          {!isPoor && (
            <button
              ref={yes}
              type="button"
              className="button button-primary button-small"
              onClick={agree}
            >
              Yes, {nextCost} points
            </button>
          )}
          <button
            ref={isPoor ? yes : null}
            type="button"
            className="button button-plain button-small"
            onClick={() => {
              setAsking(false)
              box.current?.focus()
            }}
          >
            {isPoor ? 'All right' : 'No'}
          </button>
        </div>
      )}
      <FilesToSend uploads={uploads} />
      {surplus > 0 && (
        <p className="cost" role="status">
          {surplus === 1 ? 'One character' : `${surplus} characters`} too many.
        </p>
      )}
      {isWaiting && (
        <p className="cost" role="status">
          It is sent when its files have arrived.
        </p>
      )}
      <div className="composer-row">
        <ChooseFiles uploads={uploads} label="Add files" />
        <label className="lifetime" data-on={hours > 0} title="Disappears after">
          <Icon name="timer" />
          <span className="lifetime-text" aria-hidden="true">
            {hours ? LIFETIMES.find((each) => each.hours === hours)?.text : ''}
          </span>
          <select
            aria-label="Disappears after"
            value={hours}
            onChange={(event) => setHours(Number(event.target.value))}
          >
            {LIFETIMES.map((each) => (
              <option key={each.hours} value={each.hours}>
                {each.text}
              </option>
            ))}
          </select>
        </label>
        <textarea
          ref={box}
          className="composer-text"
          aria-label="Message"
          placeholder="Message"
          rows={1}
          dir="auto"
          value={text}
          onChange={(event) => change(event.target.value)}
          onKeyDown={onKeyDown}
          onPaste={(event) => {
            if (!event.clipboardData.files.length) return
            event.preventDefault()
            uploads.add(event.clipboardData.files)
          }}
          onBlur={() => session.setTyping(conversationId, false)}
          enterKeyHint="send"
        />
        <button
          type="submit"
          className="send"
          aria-label={nextCost ? `Send for ${nextCost} points` : 'Send'}
          disabled={!canSend || isWaiting}
          onPointerDown={(event) => event.preventDefault()}
        >
          <Icon name="send" />
        </button>
      </div>
    </form>
  )
}
