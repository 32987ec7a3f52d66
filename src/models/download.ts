/**
 * Downloads that can be interrupted: bytes go to a `.part` file, a later run asks for the rest, and nothing is used
 * before its hash is right.
 */
import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, rename, rm, stat, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { DataError, EngineError, StoreError } from "../errors.ts";
import { type Download, type Integrity, reasonOf } from "./registries.ts";

/** How a download is watched. */
export interface DownloadOptions {
  readonly fetch: typeof globalThis.fetch;
  readonly signal?: AbortSignal | undefined;
  /** @param bytes so far, those of earlier runs among them; `total` is `null` where it is not known */
  readonly onProgress?: ((bytes: number, total: number | null) => void) | undefined;
}

/** A lost connection is made again so often in a row without a byte. */
const emptyTries = 3;
/** A connection without a byte for this long counts as lost. */
const stallMs = 60_000;

/**
 * Downloads a file to a path, resuming `path.part` if it is there.
 * @throws DataError `model-damaged` for bytes with another hash; they are deleted
 * @throws EngineError where the server cannot be reached or refuses; what came is kept for the next run
 * @throws StoreError `disk-full`
 */
export async function download(file: Download, path: string, options: DownloadOptions): Promise<void> {
  const part = `${path}.part`;
  for (let empty = 0; ; ) {
    const before = await sizeOf(part);
    await assertRoom(file, before, path);
    let lost: unknown;
    try {
      await fetchRest(file, part, before, options);
    } catch (error) {
      options.signal?.throwIfAborted();
      if (error instanceof EngineError || error instanceof StoreError) throw error;
      lost = error;
    }
    if (lost === undefined) break;
    empty = (await sizeOf(part)) > before ? 0 : empty + 1;
    if (empty < emptyTries) continue;
    throw new EngineError(
      "unreachable",
      `The connection to ${new URL(file.url).host} was lost: ${reasonOf(lost)}. The same command resumes where it stopped.`,
      { cause: lost, isRetryable: true },
    );
  }
  try {
    await assertIntegrity(part, file.integrity, file.name);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
  await rename(part, path);
}

async function fetchRest(
  file: Download,
  part: string,
  have: number,
  { fetch, signal, onProgress }: DownloadOptions,
): Promise<void> {
  if (file.bytes !== null && have === file.bytes) return;
  const stalled = new AbortController();
  const response = await fetch(file.url, {
    headers: { ...file.headers, ...(have > 0 && { range: `bytes=${have}-` }) },
    signal: signal ? AbortSignal.any([signal, stalled.signal]) : stalled.signal,
  });
  // 416: nothing is left to send. What is there is whole, or its hash will say that it is not.
  if (response.status === 416 && have > 0) return;
  if (!response.ok || !response.body) {
    const { status } = response;
    throw new EngineError(
      status === 401 || status === 403 ? "unauthorized" : "unavailable",
      `${new URL(file.url).host} answers ${status} for ${file.name}.`,
      { status, isRetryable: status >= 500 || status === 429 },
    );
  }
  const resumes = response.status === 206;
  const output = await open(part, resumes ? "a" : "w", 0o600);
  const length = Number(response.headers.get("content-length"));
  const total = file.bytes ?? (length > 0 ? length + (resumes ? have : 0) : null);
  let bytes = resumes ? have : 0;
  let timer: NodeJS.Timeout | undefined;
  try {
    const watch = () => {
      clearTimeout(timer);
      timer = setTimeout(() => stalled.abort(new Error("no byte came for a minute")), stallMs);
    };
    watch();
    for await (const chunk of response.body) {
      watch();
      await output.write(chunk);
      bytes += chunk.length;
      onProgress?.(bytes, total);
    }
    await output.sync();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOSPC") throw diskFull(part, total);
    throw error;
  } finally {
    clearTimeout(timer);
    await output.close();
  }
}

async function assertRoom({ bytes }: Download, have: number, path: string): Promise<void> {
  if (bytes === null) return;
  const { bavail, bsize } = await statfs(dirname(path));
  if (bavail * bsize < bytes - have) throw diskFull(path, bytes);
}

function diskFull(path: string, bytes: number | null): StoreError {
  const size = bytes === null ? "the file" : `${(bytes / 1e6).toFixed(0)} MB`;
  return new StoreError(
    "disk-full",
    `There is no room for ${size} in ${dirname(path)}. Make room; the same command resumes.`,
  );
}

const sizeOf = (path: string) =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  );

/** Checks the bytes of a file. @throws DataError `model-damaged` */
export async function assertIntegrity(path: string, integrity: Integrity, name: string): Promise<void> {
  const digest = await digestOf(path, integrity.algorithm);
  if (digest === integrity.digest) return;
  throw new DataError(
    "model-damaged",
    `${name} has the ${integrity.algorithm} ${digest.slice(0, 16)}… instead of ${integrity.digest.slice(0, 16)}…: it was damaged or changed on its way.`,
    { details: { name, expected: integrity.digest, got: digest } },
  );
}

/** Hash of a file's bytes, in hex digits. */
export async function digestOf(path: string, algorithm: Integrity["algorithm"]): Promise<string> {
  const hash: Hash = createHash(algorithm === "git-sha1" ? "sha1" : algorithm);
  if (algorithm === "git-sha1") hash.update(`blob ${(await stat(path)).size}\0`);
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
