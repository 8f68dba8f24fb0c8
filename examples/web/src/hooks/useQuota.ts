import { useSessionState } from './useSession'

/** The free messages of today and the points; `nextCost` is what the next message costs. */
export function useQuota() {
  const quota = useSessionState((state) => state.quota)
  const nextCost = quota?.cost ?? 0
  return { quota, nextCost, loading: !quota }
}
