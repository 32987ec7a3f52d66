/** The HTTP API as the page sees it: the typed client of a space, with the key of this tab, and what has no function there. */
import { type Operations, ServerError, type TaskMemClient, taskMemClient } from "../../src/client/index.ts";

export { ServerError } from "../../src/client/index.ts";

/** What an operation of the server's description takes. */
export type Input<Name extends keyof Operations> = NonNullable<Parameters<Operations[Name]>[0]>;
/** What it gives. */
export type Output<Name extends keyof Operations> = Awaited<ReturnType<Operations[Name]>>;

/** A memory in a list of the timeline. */
export type Entry = Output<"timeline">["entries"][number];
/** A memory as it is quoted. */
export type Quote = Output<"ask">["citations"][number];
/** A time that was not watched. */
export type Gap = Output<"timeline">["gaps"][number];
/** A stream. */
export type Stream = Output<"streams">["streams"][number];

/** A space, and what the key may do in it. */
export interface SpaceInfo {
  readonly space: string;
  readonly scopes: readonly string[];
}

const keyName = "taskmem-key";

/** The key of this tab, which ends with it; `null` without. */
export const key = {
  get: (): string | null => sessionStorage.getItem(keyName),
  set: (value: string) => sessionStorage.setItem(keyName, value),
  clear: () => sessionStorage.removeItem(keyName),
};

/** Values of a query; those that are undefined are left out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** A path of a space, with a query. */
export function pathOf(space: string, path: string, query: Query = {}): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  );
  const search = given.length === 0 ? "" : `?${new URLSearchParams(given)}`;
  return `/v1/spaces/${encodeURIComponent(space)}${path}${search}`;
}

/** How often a request is sent again that came too soon after others. */
const mostTries = 4;

/** `fetch` that sends a request which came too soon after others again a second later. @throws ServerError `unreachable` */
async function patiently(path: string | URL | Request, init?: RequestInit): Promise<Response> {
  for (let tries = 1; ; tries++) {
    const response = await fetch(path, init).catch((error: Error) => {
      if (init?.signal?.aborted) throw error;
      throw new ServerError(0, "unreachable", "The server does not answer. Is `taskmem serve` running?");
    });
    if (response.status !== 429 || tries === mostTries) return response;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

/** Sends a request that no function of the client sends. @throws ServerError */
export async function request<Result>(method: string, path: string, body?: unknown): Promise<Result> {
  const own = key.get();
  const response = await patiently(path, {
    method,
    headers: {
      accept: "application/json",
      ...(own !== null && { authorization: `Bearer ${own}` }),
      ...(body !== undefined && { "content-type": "application/json" }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const isJson = (response.headers.get("content-type") ?? "").includes("json");
  const answer = isJson ? await response.json() : {};
  const { code = "unknown", detail = `The server answered ${response.status}.` } = answer;
  if (!response.ok) throw new ServerError(response.status, code, detail);
  return answer as Result;
}

/** The API of one space. */
export interface SpaceApi {
  readonly space: string;
  /** What the server does in it. */
  readonly memory: TaskMemClient;
  /** Whether the key may do something. */
  may(scope: string): boolean;
  /** Address of a picture. */
  picture(hash: string): string;
  /** Address of the recording of a moment. */
  media(stream: string, from: number, to: number): string;
}

/** The client of a space, with the key of this tab. */
export function clientOf(space: string): TaskMemClient {
  const own = key.get();
  return taskMemClient({ url: location.origin, space, fetch: patiently, ...(own !== null && { key: own }) });
}

/** @param ticket opens what a page shows; `null` where no key is needed */
export function spaceApi({ space, scopes }: SpaceInfo, ticket: string | null): SpaceApi {
  const shown = ticket === null ? {} : { ticket };
  return {
    space,
    memory: clientOf(space),
    may: (scope) => scopes.includes(scope),
    picture: (hash) => pathOf(space, `/blobs/${hash}`, shown),
    media: (stream, from, to) =>
      pathOf(space, `/streams/${encodeURIComponent(stream)}/media`, { from, to, ...shown }),
  };
}
