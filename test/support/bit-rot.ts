/** Copies of a memory with one damaged place each, and whether the damage is noticed. */
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isTaskMemError } from "../../src/errors.ts";
import type { Memory } from "../../src/memory/memory.ts";
import { type Random, randomInt, seededRandom } from "../../src/util/random.ts";
import { addTask, fillWithCanary } from "./canary.ts";
import { watchGuests } from "./long-stream.ts";
import { addTestStream, frameOf, observationOf, openTestMemory, remember } from "./memory.ts";
import { rowsOf } from "./store.ts";

/** What came of a damaged copy. */
export type Outcome =
  /** It could not be opened or read, and said so. */
  | "refused"
  /** The check found it. */
  | "found"
  /** Everything that is read of it is as before: the place was unused. */
  | "harmless"
  /** Something else was read, and nothing said so. */
  | "silent"
  /** It failed with an error that is not about the memory. */
  | "unclear";

/** One copy: where it was damaged, how, and what came of it. */
export interface Rotten {
  readonly file: string;
  readonly offset: number;
  readonly how: string;
  readonly outcome: Outcome;
  readonly detail: string;
}

/** A memory that holds something of everything. */
export async function fillWithEverything(directory: string): Promise<void> {
  const memory = await openTestMemory(directory);
  const target = await fillWithCanary(memory);
  await watchGuests(memory, 60);
  await addTestStream(memory, "porch");
  await remember(memory, "porch", 0, ["Bob: the post is here"], { frames: [frameOf(0, "a letter")] });
  for (const clip of [1, 2]) await memory.addObservation(observationOf("porch", clip));
  await memory.failClip("porch", 1, { code: "bad-request", message: "It was refused.", retryable: false });
  await memory.keepLeftOut("porch", [{ kind: "file", name: "a.doc", reason: "It is not read." }]);
  await memory.endStream("kitchen");
  const [old] = await memory.entries({ streams: ["hall"] });
  await memory.closeEntry(old!.id, "it changed", target.id);
  await addTask(memory, "task_asked", "Where is the lamp?", []);
  await memory.addFeedback("task_asked", { atMs: 1, verdict: "wrong", correction: "in the hall" });
  await memory.addAdapter({
    ...{ id: "adapter_1", policy: "choice", revision: "r-1", state: "active", reason: "it won", atMs: 7 },
    ...{ tasks: ["task_asked"], file: JSON.stringify({ values: [0.25, 0.5] }) },
  });
  await memory.close();
}

/** Everything that can be read of a memory, as text. */
async function answersOf(memory: Memory): Promise<string> {
  const rows = await rowsOf(memory);
  const questions = ["Where is the lamp?", "Ann kettle", "who sits in the pantry", "dog", "Bob post"];
  const recalled = [];
  for (const text of questions) {
    recalled.push(await memory.recall({ text, aboutSpeakers: ["Ann"], limit: 50 }));
    recalled.push(await memory.recall({ text, streams: ["guests"], asOfSeconds: 300, nearSeconds: 100 }));
  }
  const streams = (await memory.streams()).map(({ id }) => id);
  const journals = [];
  for (const stream of streams) {
    const { pending, recent, ...counts } = await memory.progress(stream, 5);
    const observed = [...pending, ...recent, ...(await memory.observations(stream))];
    const pictures = observed.map(({ frames }) =>
      frames.map(({ jpeg }) => Buffer.from(jpeg).toString("hex")),
    );
    const { words, ...state } = await memory.policyState("choice", stream);
    journals.push(counts, pictures, state, [...words]);
  }
  const entries = await memory.entries({ includeClosed: true });
  const blobs = [];
  for (const { evidence } of entries)
    for (const { hash } of evidence.frames)
      blobs.push(Buffer.from((await memory.blob(hash)) ?? []).toString("hex"));
  return JSON.stringify([rows, recalled, journals, entries, blobs, await memory.speakers()]);
}

/** Damages copies of a memory one place at a time. @param folder new or empty, for the copies */
export async function bitRot(folder: string, copies: number, seed: string): Promise<Rotten[]> {
  const [whole, copy] = [join(folder, "whole"), join(folder, "copy")];
  await fillWithEverything(whole);
  const files = readdirSync(whole, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(whole.length + 1))
    .sort();
  cpSync(whole, copy, { recursive: true });
  const expected = (await readCopy(copy)).detail;
  const found: Rotten[] = [];
  for (let number = 0; number < copies; number++) {
    const random = seededRandom(`${seed} ${number}`);
    rmSync(copy, { recursive: true, force: true });
    cpSync(whole, copy, { recursive: true });
    const file = number % 8 === 7 ? files[randomInt(random, files.length)]! : "memory.db";
    const damage = damageFile(join(copy, file), random);
    const { outcome, detail } = await readCopy(copy);
    const isSame = outcome === "harmless" && detail === expected;
    const silent = outcome === "harmless" && !isSame;
    found.push({
      file,
      ...damage,
      outcome: silent ? "silent" : outcome,
      detail: isSame ? "" : detail.slice(0, 300),
    });
  }
  return found;
}

/** Changes one place that is in use: a bit, a byte, or a run of 16 bytes that becomes zero. */
function damageFile(path: string, random: Random): { readonly offset: number; readonly how: string } {
  const bytes = readFileSync(path);
  let offset = randomInt(random, bytes.length);
  // Most of a database is unused or zero; one place in four may be.
  if (random() < 0.75) while (bytes[offset] === 0) offset = randomInt(random, bytes.length);
  const how = (["bit", "byte", "zeros"] as const)[randomInt(random, 3)]!;
  if (how === "bit") bytes[offset]! ^= 1 << randomInt(random, 8);
  else if (how === "byte") bytes[offset] = (bytes[offset]! + 1 + randomInt(random, 255)) % 256;
  else bytes.fill(0, offset, Math.min(bytes.length, offset + 16));
  writeFileSync(path, bytes);
  return { offset, how };
}

async function readCopy(directory: string): Promise<{ readonly outcome: Outcome; readonly detail: string }> {
  let memory: Memory | undefined;
  try {
    memory = await openTestMemory(directory);
    const problems = await memory.check();
    if (problems.length > 0) return { outcome: "found", detail: problems.join(" ") };
    return { outcome: "harmless", detail: await answersOf(memory) };
  } catch (error) {
    const { stack, message } = error as Error;
    return isTaskMemError(error)
      ? { outcome: "refused", detail: message }
      : { outcome: "unclear", detail: String(stack) };
  } finally {
    await memory?.close().catch(() => {});
  }
}
