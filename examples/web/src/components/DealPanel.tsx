// A deal beside its chat: where it is, whose turn it is and until when, the money, what was offered
// and delivered, and its history.

import { useCallback, useEffect, useRef, useState } from 'react'
import type {
  Context,
  DealScreen,
  DealState,
  Escrow,
  Offer,
  Submission,
} from '../../../javascript/types'
import * as api from '../data/api'
import { formatDate, formatDeadline, formatMoney, formatTime, useNow } from '../data/clock'
import { nameOf } from '../data/session'
import { isMyTurn, isNobodysTurn } from '../hooks/useConversations'
import { useSession, useSessionState } from '../hooks/useSession'
import { ActionButtons, choiceOf, useAction } from './ActionCard'
import { Attachments } from './Attachments'
import { IconButton, Skeleton, Ticking, Trouble } from './bits'
import { Icon } from './Icon'
import { RichText } from './RichText'

export default function DealPanel({
  context,
  isOnTop,
  onClose,
}: {
  context: Context
  /** It lies over the chat, and takes the focus. */
  isOnTop: boolean
  onClose: () => void
}) {
  const { client } = useSession()
  const id = context.conversation_id
  const [deal, setDeal] = useState<DealScreen | null>(null)
  const [error, setError] = useState<Error | null>(null)
  const actions = useSessionState((state) => state.chats[id]?.actions)
  const take = useAction(id, null)

  const load = useCallback(async () => {
    try {
      setDeal(await api.getDeal(client, id))
      setError(null)
    } catch (failure) {
      setError(failure as Error)
    }
  }, [client, id])
  // biome-ignore lint/correctness/useExhaustiveDependencies: again with each version of the deal
  useEffect(() => void load(), [load, context.version])

  const panel = useRef<HTMLElement>(null)
  useEffect(() => {
    if (isOnTop) panel.current?.focus()
  }, [isOnTop])

  return (
    <aside
      ref={panel}
      className="deal-panel"
      aria-label="Deal"
      tabIndex={-1}
      onKeyDown={(event) => event.key === 'Escape' && onClose()}
    >
      <header className="panel-head">
        <h2>Deal</h2>
        <IconButton icon="close" label="Hide the deal" onClick={onClose} />
      </header>
      {error && <Trouble error={error} onRetry={() => void load()} />}
      {!deal && !error && <Skeleton rows={4} kind="card" />}
      {deal && (
        <div className="panel-body">
          <Turn context={context} />
          <Money money={deal.money} />
          {actions && actions.length > 0 && (
            <section>
              <h3>What you can do</h3>
              <ActionButtons
                conversationId={id}
                buttons={actions.map((action) => ({
                  ...action,
                  id: action.button_id,
                  ...choiceOf(action),
                }))}
                onTake={(button, input) => take(button.id, button.action, input)}
              />
            </section>
          )}
          <section>
            <h3>Steps</h3>
            <Steps steps={deal.states.filter(({ place }) => place === 'done' || place === 'now')} />
            <details className="history">
              <summary>Possible later steps</summary>
              <Steps steps={deal.states.filter(({ place }) => place === 'ahead')} />
            </details>
          </section>
          {deal.offers.length > 0 && <Offers offers={deal.offers} context={context} />}
          {deal.submissions.length > 0 && <Submissions submissions={deal.submissions} />}
          <Ratings ratings={deal.ratings} name={nameOf(context.other_party)} />
          <History deal={deal} context={context} />
        </div>
      )}
    </aside>
  )
}

function Turn({ context }: { context: Context }) {
  const { deadline_at, delivery_due_at } = context
  const now = useNow(30_000)
  const name = nameOf(context.other_party)
  const mine = isMyTurn(context)
  const text = mine
    ? 'It is your turn'
    : isNobodysTurn(context)
      ? 'Nobody has to act'
      : `Waiting for ${context.awaiting_role ? name : api.humanise(context.waiting_on ?? '').toLowerCase()}`
  return (
    <section className="turn-box" data-mine={mine}>
      <p>
        <strong>{text}</strong>
      </p>
      <p className="muted">
        {deadline_at && formatDeadline(deadline_at, now) ? (
          <Ticking at={deadline_at} format={formatDeadline} every={1000} />
        ) : (
          delivery_due_at &&
          !isNobodysTurn(context) &&
          `Delivery due ${formatDate(delivery_due_at)}`
        )}
      </p>
    </section>
  )
}

const BOOKS: [key: keyof Escrow, text: string][] = [
  ['held_minor', 'Held for this deal'],
  ['released_minor', 'Released'],
  ['fee_minor', 'Fee'],
  ['refunded_minor', 'Refunded'],
  ['charged_back_minor', 'Charged back'],
]

function Money({ money }: { money: DealScreen['money'] }) {
  const { agreed_minor, due_minor, currency } = money
  if (agreed_minor === null) return null
  const entries = BOOKS.filter(([key]) => money[key] > 0)
  return (
    <section>
      <h3>Money</h3>
      <dl className="money">
        <div>
          <dt>Price</dt>
          <dd className="price">{formatMoney(agreed_minor, currency)}</dd>
        </div>
        {due_minor > 0 && (
          <div>
            <dt>To be paid</dt>
            <dd>{formatMoney(due_minor, currency)}</dd>
          </div>
        )}
        {entries.map(([key, text]) => (
          <div key={key}>
            <dt>{text}</dt>
            <dd>{formatMoney(money[key], currency)}</dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

function Steps({ steps }: { steps: DealState[] }) {
  return (
    <ol className="steps">
      {steps.map((step) => (
        <li
          key={step.state}
          data-place={step.place}
          aria-current={step.place === 'now' ? 'step' : undefined}
        >
          {step.title}
        </li>
      ))}
    </ol>
  )
}

function Ratings({ ratings, name }: { ratings: DealScreen['ratings']; name: string }) {
  const { mine, theirs } = ratings
  if (!mine && !theirs) return null
  return (
    <section>
      <h3>Ratings</h3>
      {(
        [
          ['You', mine],
          [name, theirs],
        ] as const
      ).map(([who, rating]) => (
        <p key={who} className="rating">
          <span>{who}</span>
          {rating ? (
            <span role="img" aria-label={`${rating.rating} of 5 stars`}>
              {'★'.repeat(rating.rating)}
              {'☆'.repeat(5 - rating.rating)}
            </span>
          ) : (
            <span className="muted">not shown yet</span>
          )}
        </p>
      ))}
    </section>
  )
}

function Offers({ offers, context }: { offers: Offer[]; context: Context }) {
  return (
    <section>
      <h3>Offers</h3>
      <ul className="ledger">
        {offers.map((offer) => (
          <li key={offer.id}>
            <span>
              {offer.made_by === context.my_role ? 'You' : nameOf(context.other_party)}
              {offer.is_final && <span className="kind">final</span>}
            </span>
            <strong>{formatMoney(offer.amount_minor, offer.currency)}</strong>
          </li>
        ))}
      </ul>
    </section>
  )
}

function Submissions({ submissions }: { submissions: Submission[] }) {
  return (
    <section>
      <h3>Work</h3>
      <ol className="submissions">
        {submissions.map((each) => (
          <li key={each.id}>
            <p className="submission-head">
              <strong>Number {each.number}</strong>
              <span className="kind">{api.humanise(each.status).toLowerCase()}</span>
            </p>
            <p>
              <RichText text={each.deliverables} />
            </p>
            <Attachments files={each.attachments} />
            {each.description && (
              <p className="muted">
                <RichText text={each.description} />
              </p>
            )}
            {each.feedback && (
              <p className="feedback">
                <RichText text={each.feedback} />
              </p>
            )}
          </li>
        ))}
      </ol>
    </section>
  )
}

function History({ deal, context }: { deal: DealScreen; context: Context }) {
  const { history, proof } = deal
  return (
    <section>
      <details className="history">
        <summary>
          <span>History</span>
          <span className="proof" data-valid={proof.valid}>
            <Icon name={proof.valid ? 'shield' : 'warning'} size={16} />
            {proof.valid ? 'proved whole' : 'not whole'}
          </span>
        </summary>
        <ol>
          {history.map((event) => (
            <li key={event.version}>
              <span>
                {event.actor_role === context.my_role
                  ? 'You'
                  : event.actor_role === context.other_party.role
                    ? nameOf(context.other_party)
                    : api.humanise(event.actor_role)}
                : {api.humanise(event.action).toLowerCase()}
              </span>
              <time dateTime={event.effective_at}>
                {formatDate(event.effective_at)} {formatTime(event.effective_at)}
              </time>
            </li>
          ))}
        </ol>
      </details>
    </section>
  )
}
