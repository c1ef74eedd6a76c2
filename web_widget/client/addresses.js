/** Where things are on a server; `server` may be a path prefix behind somebody's proxy. */

/** @param {string|URL} server @param {string} path @param {Record<string, string|number|undefined>} query */
export function socketUrl(server, path, query) {
  const url = new URL(path, withSlash(server))
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') url.searchParams.set(key, String(value))
  }
  return url
}

/** @param {string|URL} server */
function withSlash(server) {
  const url = new URL(server, globalThis.location?.href)
  if (!url.pathname.endsWith('/')) url.pathname += '/'
  url.search = url.hash = ''
  return url
}

/** @param {string|URL} server @param {{agent?: string, call?: string, resume_from?: number}} who */
export const agentSocket = (server, who) => socketUrl(server, 'v1/agent', who)

/** @param {string|URL} server */
export const boardSocket = (server) => socketUrl(server, 'v1/board', { batch: 1 })

/** @param {string|URL} server @param {string} path below the server, such as `v1/demo/recordings` */
export const http = (server, path) => new URL(path, withSlash(server))
