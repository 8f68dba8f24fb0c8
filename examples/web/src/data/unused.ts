// In the place of the parts of supabase-js that this client does not use, and need not load.

export class StorageClient {}
export class FunctionsClient {
  setAuth() {}
}
export class FunctionsError extends Error {}
export class FunctionsFetchError extends FunctionsError {}
export class FunctionsHttpError extends FunctionsError {}
export class FunctionsRelayError extends FunctionsError {}
export const FunctionRegion = {}
export class StorageApiError extends Error {}
