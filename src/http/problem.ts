/** Errors as `application/problem+json` (RFC 9457), by their codes. */
import { EngineError, isTaskMemError } from "../errors.ts";

/** An error as it goes out. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** Code of the error, as `docs/errors.md` lists it. */
  readonly code: string;
  readonly detail: string;
}

/** Codes of the server alone, with their statuses. */
export const serverCodes = {
  unauthorized: 401,
  forbidden: 403,
  "not-found": 404,
  "body-invalid": 400,
  "body-too-large": 413,
  "media-gone": 410,
  "range-invalid": 416,
  "too-many-requests": 429,
} as const;
/** One of `serverCodes`. */
export type ServerCode = keyof typeof serverCodes;

/** A refusal of the server itself. */
export class Refused extends Error {
  readonly code: ServerCode;

  constructor(code: ServerCode, message: string) {
    super(message);
    this.code = code;
  }
}

const statuses: Readonly<Record<string, number>> = {
  ...{ "space-unknown": 404, "entry-unknown": 404, "task-unknown": 404, "adapter-unknown": 404 },
  ...{
    "stream-unknown": 404,
    "watch-unknown": 404,
    "stream-busy": 409,
    "stream-changed": 409,
    "stream-paused": 409,
    "confirm-invalid": 409,
    "budget-spent": 402,
  },
};
const byClass: Readonly<Record<string, number>> = {
  ...{ ConfigError: 400, DataError: 422, EngineError: 502, StoreError: 503 },
};

/** What an error is to a client. What is not ours is told without its text, which may hold anything. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Refused) return problem(serverCodes[error.code], error.code, error.message);
  if (isTaskMemError(error)) {
    const retryable = error instanceof EngineError && error.isRetryable ? 503 : undefined;
    const status = statuses[error.code] ?? retryable ?? byClass[error.name] ?? 500;
    return problem(status, error.code, error.message);
  }
  return problem(500, "internal", "The server failed; its log says more.");
}

function problem(status: number, code: string, detail: string): Problem {
  return { type: "about:blank", title: code.replaceAll("-", " "), status, code, detail };
}
