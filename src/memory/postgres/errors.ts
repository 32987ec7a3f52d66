/** What a failure of Postgres, or of the connection to it, means for the user. */
import { StoreError } from "../../errors.ts";

/** A failure of the connection, after which the same may work. */
const lostConnection =
  /^(08...|25P03|57P01|57P02|57P03|E(CONNREFUSED|CONNRESET|PIPE|TIMEDOUT|HOSTUNREACH)|ENOENT)$/;
/** The driver says in words only that a connection ended. */
const endedConnection =
  /^Connection terminated|^Client has encountered a connection error|timeout exceeded when/;

/** Whether a connection was lost, or could not be made, so that another one may work. */
export function isLost(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  if (typeof code === "string") return lostConnection.test(code);
  return error instanceof Error && endedConnection.test(String(message));
}

const meanings: readonly { readonly match: RegExp; readonly code: string; readonly advice: string }[] = [
  {
    match: /^(ENOTFOUND|EAI_AGAIN)$/,
    code: "store-unopenable",
    advice: "cannot be reached: check the host's name",
  },
  {
    match: /^(28...|3D000)$/,
    code: "store-unopenable",
    advice: "cannot be opened: check the user, its password and the database",
  },
  {
    match: /^53[123]00$/,
    code: "disk-full",
    advice: "cannot grow: the server has no room or no connection left. Make room and run it again",
  },
  {
    match: /^55P03$/,
    code: "store-busy",
    advice: "has been locked by another process for 30 s. Try again, or stop that process",
  },
  {
    match: /^25006$/,
    code: "store-read-only",
    advice: "cannot be written: the server or the connection is read-only",
  },
  {
    match: /^42501$/,
    code: "store-read-only",
    advice: "cannot be written by this user: it lacks the right",
  },
  { match: /^XX00[12]$/, code: "store-corrupt", advice: "is damaged: restore a backup or an export" },
  { match: /^58...$/, code: "store-io", advice: "could not be read or written: the server's disk failed" },
];

/** An error of Postgres or of its connection as a `StoreError`; other errors unchanged. @param shown the memory */
export function inPostgresWords(shown: string, error: unknown): unknown {
  if (error instanceof StoreError) return error;
  const { code, message } = (error ?? {}) as { code?: unknown; message?: string };
  const storeError = (name: string, text: string) =>
    new StoreError(name, text, { cause: error, details: { path: shown, code } });
  if (isLost(error))
    return storeError(
      "store-unreachable",
      `The memory ${shown} cannot be reached: start the server, or check the address (${message})`,
    );
  if (typeof code !== "string") return error;
  const meaning = meanings.find(({ match }) => match.test(code));
  if (meaning) return storeError(meaning.code, `The memory ${shown} ${meaning.advice} (${message})`);
  // Five letters and digits are a code of SQL.
  return /^[0-9A-Z]{5}$/.test(code)
    ? storeError("store-failed", `The memory ${shown} failed: ${message}`)
    : error;
}
