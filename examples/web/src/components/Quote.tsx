// What a party typed with an action: their words, under their name.

import type { Message } from '../../../javascript/types'
import { nameOf } from '../data/session'
import { useSession } from '../hooks/useSession'
import { RichText } from './RichText'

export function Quote({ message }: { message: Message }) {
  const session = useSession()
  const quote = message.action_data?.quote
  if (!quote) return null
  const other = session.state.conversations[message.conversation_id]?.other_party
  const name = quote.by === session.userId ? 'You' : nameOf(other)
  return (
    <blockquote className="quote">
      <cite>{name}</cite>
      <RichText text={quote.text} />
    </blockquote>
  )
}
