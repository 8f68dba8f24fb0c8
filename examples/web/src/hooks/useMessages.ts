import { useCallback, useEffect, useMemo } from 'react'
import type { Attachment } from '../../../javascript/types'
import { useSession, useSessionState } from './useSession'

export interface SendOptions {
  replyTo?: string | null
  maxPoints?: number
  attachments?: Attachment[]
}

/** One conversation: its messages as they come, and what was written and is not stored yet. */
export function useMessages(conversationId: string) {
  const session = useSession()
  const chat = useSessionState((state) => state.chats[conversationId])
  const error = useSessionState((state) => state.errors[conversationId])
  const outbox = useSessionState((state) => state.outbox)

  useEffect(() => {
    void session.open(conversationId)
    return () => session.close(conversationId)
  }, [session, conversationId])

  const queued = useMemo(() => {
    const stored = new Set(chat?.messages.map((message) => message.client_message_id))
    return outbox.filter((one) => one.conversation_id === conversationId && !stored.has(one.id))
  }, [outbox, chat?.messages, conversationId])

  const sendMessage = useCallback(
    (text: string, expirationHours: number | null = null, options: SendOptions = {}) => {
      session.outbox.add({
        conversation_id: conversationId,
        message: text,
        attachments: options.attachments?.length ? options.attachments : null,
        expiration_hours: expirationHours,
        reply_to: options.replyTo ?? null,
        max_points: options.maxPoints ?? 0,
      })
    },
    [session, conversationId],
  )

  return {
    messages: chat?.messages ?? [],
    actions: chat?.actions ?? [],
    chat,
    queued,
    sendMessage,
    loading: !chat && !error,
    error,
  }
}
