/**
 * A bucket of S3, or of a server that speaks it (MinIO, Ceph, R2): `s3://bucket/prefix?endpoint=…&region=…`.
 *
 * Three calls of its API, signed by aws4fetch (12 kB, nothing below it), where the AWS SDK would be 20 MB. Keys come from the
 * environment as its tools have them: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`.
 */
import type { AwsClient } from "aws4fetch";
import { ConfigError, StoreError } from "../../errors.ts";
import type { Environment } from "../../util/environment.ts";
import { optionalPackage } from "../../util/optional.ts";
import { keepSecret, maskedMessage } from "../../util/secrets.ts";
import type { Blob } from "../blob-store.ts";

/** Objects by key. @throws StoreError `blobs-unreachable`, `blobs-refused`; ConfigError `blobs-key-missing` */
export interface Bucket {
  put(key: string, blob: Blob): Promise<void>;
  /** The bytes of an object, or `null`. */
  get(key: string): Promise<Uint8Array | null>;
  /** Deletes an object; one that is not there is no error. */
  remove(key: string): Promise<void>;
}

/** Longest time of one request, in milliseconds. */
const requestMs = 30_000;
/** Pauses before a request is sent again, in milliseconds. */
const pausesMs = [100, 400, 1600];

/**
 * The bucket of a place, below a folder of its own.
 * @param folder what every key begins with, after the prefix of the place
 * @throws ConfigError `memory-url-invalid`
 */
export function bucketAt(place: string, folder: string, env: Environment = process.env): Bucket {
  const { root, region } = parsePlace(place, env);
  let client: Promise<AwsClient> | null = null;
  const ask = async (method: string, key: string, blob?: Blob): Promise<Response> => {
    client ??= signing(place, region, env);
    const signer = await client;
    const url = `${root}${folder}/${key}`;
    const sent = {
      method,
      ...(blob && { body: Uint8Array.from(blob.bytes), headers: { "x-amz-content-sha256": blob.hash } }),
    };
    for (let tries = 0; ; tries++) {
      const last = tries === pausesMs.length;
      try {
        const response = await fetch(await signer.sign(url, sent), {
          signal: AbortSignal.timeout(requestMs),
        });
        if (last || (response.status < 500 && response.status !== 429)) return response;
        await response.body?.cancel();
      } catch (error) {
        if (last) throw unreachable(place, error);
      }
      await new Promise((resolve) => setTimeout(resolve, pausesMs[tries]));
    }
  };
  return {
    async put(key, blob) {
      const response = await ask("PUT", key, blob);
      if (!response.ok) throw await refused(place, response);
      await response.body?.cancel();
    },
    async get(key) {
      const response = await ask("GET", key);
      if (response.ok)
        return new Uint8Array(
          await response.arrayBuffer().catch((error) => {
            throw unreachable(place, error);
          }),
        );
      const problem = await refused(place, response);
      if (problem.details.code === "NoSuchKey") return null;
      throw problem;
    },
    async remove(key) {
      const response = await ask("DELETE", key);
      if (response.ok) return void (await response.body?.cancel());
      const problem = await refused(place, response);
      if (problem.details.code !== "NoSuchKey") throw problem;
    },
  };
}

function parsePlace(place: string, env: Environment): { readonly root: string; readonly region: string } {
  const url = URL.parse(place);
  const name = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:[/?]|$)/.exec(place)?.[1];
  if (!url || name === undefined)
    throw new ConfigError(
      "memory-url-invalid",
      `Expected pictures to be in s3://bucket/prefix, got ${maskedMessage(place)}`,
    );
  const region = url.searchParams.get("region") ?? env.AWS_REGION ?? env.AWS_DEFAULT_REGION ?? "us-east-1";
  const endpoint =
    url.searchParams.get("endpoint") ??
    env.AWS_ENDPOINT_URL_S3 ??
    env.AWS_ENDPOINT_URL ??
    `https://s3.${region}.amazonaws.com`;
  if (!/^https?:$/.test(URL.parse(endpoint)?.protocol ?? ""))
    throw new ConfigError(
      "memory-url-invalid",
      `Expected the endpoint of ${maskedMessage(place)} to be a URL of http or https, got ${maskedMessage(endpoint)}`,
    );
  const prefix = url.pathname.replace(/^\/+|\/+$/g, "");
  return { region, root: `${endpoint.replace(/\/+$/, "")}/${name}/${prefix === "" ? "" : `${prefix}/`}` };
}

async function signing(place: string, region: string, env: Environment): Promise<AwsClient> {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN } = env;
  if (!accessKeyId || !secretAccessKey)
    throw new ConfigError(
      "blobs-key-missing",
      `The pictures in ${maskedMessage(place)} need a key: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.`,
    );
  for (const secret of [secretAccessKey, AWS_SESSION_TOKEN]) keepSecret(secret);
  const { AwsClient: Client } = await optionalPackage("aws4fetch", "for pictures in S3");
  const session = AWS_SESSION_TOKEN ? { sessionToken: AWS_SESSION_TOKEN } : {};
  return new Client({ accessKeyId, secretAccessKey, ...session, service: "s3", region });
}

function unreachable(place: string, cause: unknown): StoreError {
  const { message, cause: deeper } = cause as Error;
  const why = deeper instanceof Error ? deeper.message : message;
  return new StoreError(
    "blobs-unreachable",
    `The pictures in ${place} cannot be reached: check the endpoint and the network (${why}).`,
    { cause },
  );
}

/** An answer that is not what was asked for, by its status and the code in its body. */
async function refused(place: string, response: Response): Promise<StoreError> {
  const body = await response.text().catch(() => "");
  const code = /<Code>([^<]{1,100})<\/Code>/.exec(body)?.[1] ?? null;
  const { status } = response;
  const what = code ?? `status ${status}`;
  const details = { status, code };
  if (status >= 500 || status === 429)
    return new StoreError(
      "blobs-unreachable",
      `The pictures in ${place} cannot be reached now: the server answers ${what}. Try again later.`,
      { details },
    );
  return new StoreError(
    "blobs-refused",
    `The pictures in ${place} are refused (${what}): check that the bucket exists and that the key may read, write and delete in it.`,
    { details },
  );
}
