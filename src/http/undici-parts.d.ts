/** Types of the parts of undici that are loaded alone: the whole package takes 75 ms to load, these parts 33. */
declare module 'undici/lib/dispatcher/agent.js' {
  import { Agent } from 'undici'
  export default Agent
}
declare module 'undici/lib/api/index.js' {
  import type { Dispatcher } from 'undici'
  interface Api {
    request(this: Dispatcher, options: Dispatcher.RequestOptions): Promise<Dispatcher.ResponseData>
  }
  const api: Api
  export default api
}
