/** Which files of a source are those that a stream was watched from before, and which are copies of another. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { sha256 } from "../../util/hash.ts";
import type { LeftOut, SourceFile } from "../clip.ts";
import { clockOfName, type NameClock } from "./clock-names.ts";
import { type FileHead, keysOf, readHead, sameContent } from "./file-identity.ts";
import type { FoundFile } from "./found-files.ts";

/** A file of a source with what tells it from others. */
export interface IdentifiedFile extends FoundFile {
  readonly head: FileHead;
  /** The clock in its path. */
  readonly clock: NameClock | null;
}

/** A file on the web: its address tells it, and its size is not known. */
export function addressed(url: string): IdentifiedFile {
  const id = `url.${sha256(url).slice(0, 20)}`;
  const head = { id, keys: [], likeness: (known: string) => (known === id ? ("equal" as const) : null) };
  return { path: url, name: new URL(url).pathname, bytes: 0, head, clock: null };
}

/**
 * The files with their heads and clocks, without copies: of files with the same content, the same clock and the same
 * texts beside them, one is kept.
 * @param beside all files found, texts among them
 */
export async function identify(
  files: readonly FoundFile[],
  beside: readonly FoundFile[],
): Promise<{ readonly files: readonly IdentifiedFile[]; readonly leftOut: readonly LeftOut[] }> {
  const kept: IdentifiedFile[] = [];
  const leftOut: LeftOut[] = [];
  const byContent = new Map<string, IdentifiedFile[]>();
  for (const found of files) {
    const file = { ...found, head: await readHead(found.path, found.bytes), clock: clockOfName(found.path) };
    const key = `${file.bytes} ${file.head.id}`;
    const alike = byContent.get(key) ?? [];
    const original = await firstAsync(alike, (other) => isCopy(file, other, beside));
    if (original) {
      const reason = `${file.name} is a copy of ${original.name}, which is watched.`;
      leftOut.push({ kind: "file", name: file.name, reason });
      continue;
    }
    byContent.set(key, [...alike, file]);
    kept.push(file);
  }
  return { files: kept, leftOut };
}

async function firstAsync<T>(
  items: readonly T[],
  test: (item: T) => Promise<boolean>,
): Promise<T | undefined> {
  for (const item of items) if (await test(item)) return item;
  return undefined;
}

async function isCopy(a: IdentifiedFile, b: IdentifiedFile, beside: readonly FoundFile[]): Promise<boolean> {
  if (!isSameMoment(a.clock, b.clock) || (a.clock === null) !== (b.clock === null)) return false;
  const [one, other] = [await textsBeside(a, beside), await textsBeside(b, beside)];
  return one === other && sameContent(a.path, b.path, a.bytes);
}

/** The texts beside a medium, as one text. */
async function textsBeside({ path }: FoundFile, all: readonly FoundFile[]): Promise<string> {
  const stem = `${path.slice(0, path.length - extname(path).length)}.`;
  const texts = all.filter((other) => other.path !== path && other.path.startsWith(stem));
  const read = await Promise.all(texts.map((text) => readFile(text.path, "latin1").catch(() => "")));
  return read.sort().join("\0");
}

/** Whether two clocks do not contradict each other. */
const isSameMoment = (a: NameClock | null, b: NameClock | null) =>
  a === null || b === null || (a.kind === b.kind && Math.abs(a.seconds - b.seconds) < 1);

/**
 * Finds known files among those present: by content under the same name, then under any other, if the clocks in both
 * names agree. A file that was replaced is another one, and so is a copy of one that is still there.
 */
export function recognise<File extends IdentifiedFile>(
  files: readonly File[],
  known: readonly SourceFile[],
): Map<File, SourceFile> {
  const found = new Map<File, SourceFile>();
  const left = new Set(known);
  const byName = Map.groupBy(known, ({ name }) => name);
  const take = (file: File, candidates: Iterable<SourceFile>, fits: (one: SourceFile) => boolean) => {
    for (const one of candidates) {
      if (!left.has(one) || !fits(one)) continue;
      found.set(file, one);
      left.delete(one);
      return;
    }
  };
  for (const file of files)
    take(file, byName.get(file.name) ?? [], ({ id }) => file.head.likeness(id) !== null);
  const byKey = Map.groupBy(
    known.flatMap((file) => keysOf(file.id).map((key) => ({ key, file }))),
    ({ key }) => key,
  );
  const short = known.filter(({ id }) => keysOf(id).length === 0);
  const alike = ({ head }: File) => [
    ...new Set(head.keys.flatMap((key) => (byKey.get(key) ?? []).map(({ file }) => file))),
    ...short,
  ];
  const names = new Set(files.map(({ name }) => name));
  // A file of the same content that is still there under its name, in another camera's stream, is not this one.
  const isThere = ({ path, name }: File, known: string) =>
    known !== "" && !names.has(known) && existsSync(`${path.slice(0, path.length - name.length)}${known}`);
  for (const likeness of ["equal", "but-header"] as const) {
    for (const file of files) {
      if (found.has(file) || left.size === 0) continue;
      const candidates = alike(file);
      if (candidates.length === 0) continue;
      const clock = clockOfName(file.name);
      take(
        file,
        candidates,
        ({ id, name }) =>
          file.head.likeness(id) === likeness &&
          isSameMoment(clock, clockOfName(name)) &&
          !isThere(file, name),
      );
    }
  }
  return found;
}

/** An identity that no other file of the stream has: files with the same content are numbered. */
export function freeId(id: string, taken: ReadonlySet<string>): string {
  if (!taken.has(id)) return id;
  let n = 2;
  while (taken.has(`${id}-${n}`)) n += 1;
  return `${id}-${n}`;
}
