// What this client uses of ../../javascript.
declare module '*/parley-client.mjs' {
  import type { Session, SupabaseClient } from '@supabase/supabase-js'

  export class ParleyError extends Error {
    constructor(message: string, errorCode: string, details?: object | null, status?: number)
    errorCode: string
    details: Record<string, unknown> | null
    status: number
    get isTransient(): boolean
  }

  export class ParleyClient {
    constructor(supabase: SupabaseClient, session: Session, options?: { appUrl?: string })
    supabase: SupabaseClient
    userId: string
    known: Record<string, { seq: number; version: number }>
    connection: 'closed' | 'connecting' | 'connected' | 'reconnecting'
    remember(contexts: object[]): void
    markRead(conversationId: string, upToSeq?: number | null): Promise<unknown>
    // biome-ignore lint/suspicious/noExplicitAny: each event has a payload of its own
    on(event: string, callback: (payload: any) => void): () => void
    start(): Promise<void>
    openConversation(conversationId: string, status?: string): Promise<void>
    closeConversation(conversationId: string): Promise<void>
    setTyping(conversationId: string, isTyping: boolean): Promise<void>
    close(): Promise<void>
    call<T>(name: string, args?: object): Promise<T>
    callUntilAnswered<T>(name: string, args?: object): Promise<T>
    do<T>(name: string, args: object): Promise<T>
    act<T>(id: string, action: string, input?: object, options?: object): Promise<T>
    click<T>(
      message: { conversation_id: string; id: string },
      buttonId: string,
      input?: object,
      options?: object,
    ): Promise<T>
    pay(conversationId: string): Promise<Record<string, unknown>>
    confirmPayment(conversationId: string, paid: object): Promise<unknown>
    refreshPayment(conversationId: string): Promise<unknown>
    cleanUp(): Promise<unknown>
    sync(): Promise<void>
  }
}
