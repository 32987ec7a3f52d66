/** Requests to a server, and what it answers, for tests. */

// biome-ignore lint/suspicious/noExplicitAny: bodies are compared, not typed
export type Json = any;

/** Requests to a server, with a key. */
export function client(url: string, key?: string) {
  const ask = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(key !== undefined && { authorization: `Bearer ${key}` }),
        ...(body !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const type = response.headers.get("content-type") ?? "";
    const json = /^application\/(problem\+)?json\b/.test(type) ? JSON.parse(text) : {};
    return { status: response.status, type, text, json, headers: response.headers };
  };
  return {
    get: (path: string, headers?: Record<string, string>) => ask("GET", path, undefined, headers),
    post: (path: string, body: unknown, headers?: Record<string, string>) => ask("POST", path, body, headers),
    put: (path: string, body: unknown = {}) => ask("PUT", path, body),
    patch: (path: string, body: unknown) => ask("PATCH", path, body),
    delete: (path: string) => ask("DELETE", path),
  };
}
