/** The HTTP API as the page sees it: requests with a key, and problems as errors. */
import type { z } from "zod";
import type { VerbName, verbs } from "../../src/contract/index.ts";

/** What a verb of the contract returns. */
export type Output<Name extends VerbName> = z.output<(typeof verbs)[Name]["output"]>;

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

/** An answer that is no success. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  /** The whole of it. */
  readonly body: Readonly<Record<string, unknown>>;

  constructor(status: number, body: Readonly<Record<string, unknown>>) {
    super(typeof body.detail === "string" ? body.detail : `The server answered ${status}.`);
    this.status = status;
    this.code = typeof body.code === "string" ? body.code : "unknown";
    this.body = body;
  }
}

const keyName = "taskmem-key";

/** The key of this tab, which ends with it; `null` without. */
export const key = {
  get: (): string | null => sessionStorage.getItem(keyName),
  set: (value: string) => sessionStorage.setItem(keyName, value),
  clear: () => sessionStorage.removeItem(keyName),
};

/** Headers of every request. */
export function headers(): Record<string, string> {
  const own = key.get();
  return own === null ? {} : { authorization: `Bearer ${own}` };
}

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

/** Sends a request; one that comes too soon after others is sent again a second later. @throws Problem */
export async function request<Result>(
  method: string,
  path: string,
  body?: unknown,
  tries = 1,
): Promise<Result> {
  const response = await fetch(path, {
    method,
    headers: {
      accept: "application/json",
      ...headers(),
      ...(body !== undefined && { "content-type": "application/json" }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  }).catch(() => {
    throw new Problem(0, {
      code: "unreachable",
      detail: "The server does not answer. Is `taskmem serve` running?",
    });
  });
  if (response.status === 429 && tries < mostTries) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    return request(method, path, body, tries + 1);
  }
  const isJson = (response.headers.get("content-type") ?? "").includes("json");
  const answer = isJson ? await response.json() : {};
  if (!response.ok) throw new Problem(response.status, answer);
  return answer as Result;
}

/** The API of one space. */
export interface SpaceApi {
  readonly space: string;
  /** Whether the key may do something. */
  may(scope: string): boolean;
  get<Result>(path: string, query?: Query): Promise<Result>;
  post<Result>(path: string, body?: unknown): Promise<Result>;
  put<Result>(path: string, body?: unknown): Promise<Result>;
  /** Address of a picture. */
  picture(hash: string): string;
  /** Address of the recording of a moment. */
  media(stream: string, from: number, to: number): string;
}

/** @param ticket opens what a page shows; `null` where no key is needed */
export function spaceApi({ space, scopes }: SpaceInfo, ticket: string | null): SpaceApi {
  const shown = ticket === null ? {} : { ticket };
  return {
    space,
    may: (scope) => scopes.includes(scope),
    get: (path, query) => request("GET", pathOf(space, path, query)),
    post: (path, body = {}) => request("POST", pathOf(space, path), body),
    put: (path, body = {}) => request("PUT", pathOf(space, path), body),
    picture: (hash) => pathOf(space, `/blobs/${hash}`, shown),
    media: (stream, from, to) =>
      pathOf(space, `/streams/${encodeURIComponent(stream)}/media`, { from, to, ...shown }),
  };
}
