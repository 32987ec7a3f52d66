/**
 * The URL of a memory in Postgres: `postgres://user@host/database?space=kitchen`.
 *
 * What is TaskMem's own is taken out of the query; the rest is the connection's. A space is a schema of the database.
 */
import { ConfigError } from "../../errors.ts";
import { keepSecretsIn, maskedMessage } from "../../util/secrets.ts";

/** A memory in Postgres. */
export interface PostgresUrl {
  /** What the driver connects with, password included. */
  readonly connection: string;
  /** Name of the space. */
  readonly space: string;
  /** Name of its schema. */
  readonly schema: string;
  /** Most connections of this process. */
  readonly connections: number;
  /** Where its pictures are, a URL of S3; `null` where the URL does not say. */
  readonly blobs: string | null;
  /** The URL for messages: without its password. */
  readonly shown: string;
}

const defaultSpace = "default";
const defaultConnections = 8;

/** Whether a place of a memory is a URL of Postgres and not a directory. */
export const isPostgresUrl = (place: string): boolean => /^postgres(ql)?:\/\//i.test(place);

/**
 * Reads the URL of a memory. Its password is masked in every message from now on.
 * @throws ConfigError `memory-url-invalid`
 */
export function parsePostgresUrl(text: string): PostgresUrl {
  keepSecretsIn(text);
  const url = isPostgresUrl(text) ? URL.parse(text) : null;
  if (!url)
    throw invalid(`Expected postgres://user@host:port/database?space=name, got ${maskedMessage(text)}`);
  const space = taken(url, "space") ?? defaultSpace;
  if (!/^[a-z0-9][a-z0-9_-]{0,47}$/.test(space))
    throw invalid(
      `Expected \`space\` to be up to 48 small letters, digits, _ and -, got ${JSON.stringify(space)}`,
    );
  const connections = Number(taken(url, "connections") ?? defaultConnections);
  if (!Number.isInteger(connections) || connections < 2)
    throw invalid(`Expected \`connections\` to be an integer from 2 up, got ${connections}`);
  const blobs = blobsOf(url);
  const connection = url.href;
  url.searchParams.set("space", space);
  url.password = "";
  return {
    connection,
    space,
    schema: `taskmem_${space}`,
    connections,
    blobs,
    shown: maskedMessage(url.href),
  };
}

function blobsOf(url: URL): string | null {
  const place = taken(url, "blobs");
  const options = new URLSearchParams();
  for (const name of ["endpoint", "region"]) {
    const value = taken(url, `blobs-${name}`);
    if (value !== null) options.set(name, value);
  }
  return place === null || options.size === 0 ? place : `${place}?${options}`;
}

/** A parameter of the query, which is removed from it. */
function taken(url: URL, name: string): string | null {
  const value = url.searchParams.get(name);
  url.searchParams.delete(name);
  return value;
}

const invalid = (message: string) => new ConfigError("memory-url-invalid", message);
