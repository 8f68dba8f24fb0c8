// Bids and campaigns of everybody, and people: where chats and deals begin.

import { type ReactNode, useCallback, useEffect, useState } from 'react'
import type { BidShown, CampaignShown, Functions, Owner, StepName } from '../../../javascript/types'
import { Avatar, Dialog, Empty, Skeleton, Ticking, Trouble } from '../components/bits'
import { Icon } from '../components/Icon'
import { RichText } from '../components/RichText'
import { type Schema, SchemaForm } from '../components/SchemaForm'
import * as api from '../data/api'
import { formatAgo, formatMoney } from '../data/clock'
import { nameOf } from '../data/session'
import { useSession, useSessionState } from '../hooks/useSession'

type NewBid = Functions['create_bid']['args']
type NewCampaign = Functions['create_campaign']['args']
// Characters of a text that a card shows for certain.
const AT_A_GLANCE = 100

type Tab = 'bids' | 'campaigns' | 'people'

const AMOUNT = { type: 'number', minimum: 1 }
const NEW_BID: Schema = {
  required: ['title', 'description'],
  properties: {
    title: { type: 'string', maxLength: 120 },
    description: { type: 'string', maxLength: 5000, title: 'What you do' },
    amount: { ...AMOUNT, title: 'Price in rupees, as a hint' },
  },
}
const NEW_CAMPAIGN: Schema = {
  required: ['title', 'brief'],
  properties: {
    title: { type: 'string', maxLength: 120 },
    brief: { type: 'string', maxLength: 5000, title: 'What you look for' },
    budget: { ...AMOUNT, title: 'Budget in rupees' },
  },
}
const CONNECT: Schema = {
  properties: { proposed_amount: { ...AMOUNT, title: 'What you have in mind, in rupees' } },
}
const APPLY: Schema = {
  properties: {
    quote: { ...AMOUNT, title: 'Your price in rupees' },
    pitch: { type: 'string', maxLength: 2000, title: 'Why you' },
  },
}

export default function Market() {
  const { client } = useSession()
  const me = useSessionState((state) => state.me)
  const isInfluencer = me?.role === 'influencer'
  const [tab, setTab] = useState<Tab>(isInfluencer ? 'campaigns' : 'bids')
  const [market, setMarket] = useState<api.Market | null>(null)
  const [error, setError] = useState<Error | null>(null)
  const [isMaking, setMaking] = useState(false)

  const load = useCallback(async () => {
    try {
      setMarket(await api.getMarket(client))
      setError(null)
    } catch (failure) {
      setError(failure as Error)
    }
  }, [client])
  useEffect(() => void load(), [load])

  return (
    <main className="page">
      <header className="page-head">
        <h1>Market</h1>
        <button type="button" className="button button-primary" onClick={() => setMaking(true)}>
          <Icon name="plus" size={16} /> {isInfluencer ? 'New bid' : 'New campaign'}
        </button>
      </header>
      <fieldset className="filters">
        <legend className="visually-hidden">What to show</legend>
        {(['bids', 'campaigns', 'people'] as const).map((each) => (
          <button key={each} type="button" aria-pressed={tab === each} onClick={() => setTab(each)}>
            {api.humanise(each)}
          </button>
        ))}
      </fieldset>
      {error && <Trouble error={error} onRetry={() => void load()} />}
      {!market && !error && <Skeleton rows={4} kind="card" />}
      {market && tab === 'bids' && <Bids bids={market.bids} onChange={load} />}
      {market && tab === 'campaigns' && <Campaigns campaigns={market.campaigns} onChange={load} />}
      {tab === 'people' && <People />}
      {isMaking && (
        <Dialog title={isInfluencer ? 'New bid' : 'New campaign'} onClose={() => setMaking(false)}>
          <SchemaForm
            schema={isInfluencer ? NEW_BID : NEW_CAMPAIGN}
            submit="Publish"
            style="primary"
            onSubmit={async (input: NewBid & NewCampaign) => {
              await client.call(isInfluencer ? 'create_bid' : 'create_campaign', input)
              setMaking(false)
              setTab(isInfluencer ? 'bids' : 'campaigns')
              await load()
            }}
          />
        </Dialog>
      )}
    </main>
  )
}

function show(conversationId: string) {
  location.hash = `#/chat/${conversationId}`
}

/** Do what opens a deal, and go there. */
function useOpening() {
  const { client } = useSession()
  return async <N extends StepName>(name: N, args: Functions[N]['args']) => {
    const { conversation } = await client.do(name, args)
    show(conversation.conversation_id)
  }
}

/** What a card shows of a bid or a campaign, and what its reader can do with it. */
function Card({
  offer,
  text,
  minor,
  verb,
  onClose,
  onAsk,
  children,
}: {
  offer: BidShown | CampaignShown
  text: string
  minor: number | null
  verb: string
  onClose: () => Promise<void>
  onAsk: () => void
  children?: ReactNode
}) {
  const { userId } = useSession()
  const role = useSessionState((state) => state.me?.role)
  const [isWhole, setWhole] = useState(false)
  const { title, currency, owner, status, conversation_id } = offer
  return (
    <article className="market-card" aria-label={title}>
      <header>
        <Avatar person={owner} size="s" />
        <span className="muted" dir="auto">
          {nameOf(owner)}
        </span>
        <span className="row-time">
          <Ticking at={offer.created_at} format={formatAgo} />
        </span>
      </header>
      <h2 dir="auto">{title}</h2>
      <p className="market-text" data-whole={isWhole}>
        <RichText text={text} />
      </p>
      {text.length > AT_A_GLANCE && (
        <button type="button" className="read-more" onClick={() => setWhole(!isWhole)}>
          {isWhole ? 'Show less' : 'Read more'}
        </button>
      )}
      <footer>
        <strong>{minor === null ? 'Open price' : formatMoney(minor, currency)}</strong>
        {status !== 'open' && <span className="kind">{status}</span>}
        <span className="market-do">
          {status === 'open' && owner.id === userId && (
            <>
              <button type="button" className="button button-plain" onClick={() => void onClose()}>
                Close
              </button>
              {children}
            </>
          )}
          {status === 'open' && owner.id !== userId && role !== owner.role && (
            <button
              type="button"
              className="button button-primary"
              onClick={() => (conversation_id ? show(conversation_id) : onAsk())}
            >
              {conversation_id ? 'Open' : verb}
            </button>
          )}
        </span>
      </footer>
    </article>
  )
}

function Bids({ bids, onChange }: { bids: api.Market['bids']; onChange: () => Promise<void> }) {
  const { client } = useSession()
  const open = useOpening()
  const [asked, setAsked] = useState<BidShown | null>(null)
  if (!bids.length) {
    return (
      <Empty icon="market" title="No bids yet">
        <p>Influencers offer here what they do.</p>
      </Empty>
    )
  }
  return (
    <div className="cards">
      {bids.map((bid) => (
        <Card
          key={bid.id}
          offer={bid}
          text={bid.description}
          minor={bid.amount_minor}
          verb="Connect"
          onClose={() => client.call('close_bid', { bid_id: bid.id }).then(onChange)}
          onAsk={() => setAsked(bid)}
        />
      ))}
      {asked && (
        <Dialog title={`Connect: ${asked.title}`} onClose={() => setAsked(null)}>
          <SchemaForm
            schema={CONNECT}
            submit="Send request"
            style="primary"
            onSubmit={(input) => open('connect_bid', { bid_id: asked.id, ...input })}
          />
        </Dialog>
      )}
    </div>
  )
}

function Campaigns({
  campaigns,
  onChange,
}: {
  campaigns: api.Market['campaigns']
  onChange: () => Promise<void>
}) {
  const { client } = useSession()
  const open = useOpening()
  const [asked, setAsked] = useState<CampaignShown | null>(null)
  const [inviting, setInviting] = useState<CampaignShown | null>(null)
  if (!campaigns.length) {
    return (
      <Empty icon="market" title="No campaigns yet">
        <p>Brand owners say here what they look for.</p>
      </Empty>
    )
  }
  return (
    <div className="cards">
      {campaigns.map((campaign) => (
        <Card
          key={campaign.id}
          offer={campaign}
          text={campaign.brief}
          minor={campaign.budget_minor}
          verb="Apply"
          onClose={() => client.call('close_campaign', { campaign_id: campaign.id }).then(onChange)}
          onAsk={() => setAsked(campaign)}
        >
          <button
            type="button"
            className="button button-primary"
            onClick={() => setInviting(campaign)}
          >
            Invite
          </button>
        </Card>
      ))}
      {asked && (
        <Dialog title={`Apply: ${asked.title}`} onClose={() => setAsked(null)}>
          <SchemaForm
            schema={APPLY}
            submit="Apply"
            style="primary"
            onSubmit={(input) => open('apply_to_campaign', { campaign_id: asked.id, ...input })}
          />
        </Dialog>
      )}
      {inviting && (
        <Dialog title={`Invite to ${inviting.title}`} onClose={() => setInviting(null)}>
          <People
            only="influencer"
            verb="Invite"
            onPick={(person) =>
              open('invite_to_campaign', { campaign_id: inviting.id, influencer_id: person.id })
            }
          />
        </Dialog>
      )}
    </div>
  )
}

function People({
  only,
  verb = 'Write',
  onPick,
}: {
  only?: string
  verb?: string
  onPick?: (person: Owner) => Promise<void>
}) {
  const session = useSession()
  const [found, setFound] = useState<Owner[] | null>(null)
  const [error, setError] = useState<Error | null>(null)

  const find = useCallback(
    async (name: string) => {
      try {
        setFound(await api.findPeople(session.client, name, only))
        setError(null)
      } catch (failure) {
        setError(failure as Error)
      }
    },
    [session, only],
  )
  useEffect(() => void find(''), [find])

  async function pick(person: Owner) {
    try {
      if (onPick) return await onPick(person)
      show(await session.connect(person.id))
    } catch (failure) {
      setError(failure as Error)
    }
  }

  return (
    <div className="people">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void find(String(new FormData(event.currentTarget).get('name')).trim())
        }}
      >
        <input name="name" type="search" placeholder="Name, then Enter" aria-label="Find people" />
      </form>
      {error && <Trouble error={error} />}
      {!found && !error && <Skeleton rows={5} />}
      {found?.length === 0 && <p className="muted">Nobody has this name.</p>}
      <ul className="rows">
        {found
          ?.filter((person) => person.id !== session.userId)
          .map((person) => (
            <li key={person.id} className="person">
              <Avatar person={person} />
              <span className="row-text">
                <strong dir="auto">{nameOf(person)}</strong>
                <span className="muted">{person.role ? api.humanise(person.role) : ''}</span>
              </span>
              <button
                type="button"
                className="button button-secondary"
                onClick={() => void pick(person)}
              >
                {verb}
              </button>
            </li>
          ))}
      </ul>
    </div>
  )
}
