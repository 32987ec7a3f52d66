/**
 * Facts kept as they are, past the policy: what a user says is to be remembered.
 *
 * Facts have a stream of their own, apart from what is watched, with a clip each. A fact with an id is kept once: its
 * clip's number comes from the id, so a second try meets the first.
 */
import { randomUUID } from "node:crypto";
import { ConfigError, isTaskMemError } from "./errors.ts";
import type { Entry, EntryKind, Memory, Statement, StreamRecord } from "./memory/memory.ts";
import type { Observation } from "./perception/observation.ts";
import { sha256 } from "./util/hash.ts";

export interface RememberRequest {
  readonly text: string;
  /** Who said it. @default nobody named */
  readonly speaker?: string;
  /** Wall time it holds for. @default now */
  readonly atMs?: number;
  /** A stream that holds facts only. @default "remembered" */
  readonly stream?: string;
  /** @default "semantic" */
  readonly kind?: EntryKind;
  /** Names the fact: one id is kept once. @default every call keeps another */
  readonly id?: string;
}

/** What came of it. */
export interface Remembered {
  readonly entry: Entry;
  /** Whether a fact of this id was kept before; `entry` is that one. */
  readonly duplicate: boolean;
}

const factsStream = "remembered";
const factsDescription = "facts to remember";
/** Clips of facts are a moment long, in seconds. */
const factSeconds = 1e-3;
const policy = "remember";
const revision = "remember@1";

/** Keeps a fact. @throws ConfigError for an empty text or a stream that is watched; StoreError */
export async function remember(memory: Memory, request: RememberRequest, nowMs: number): Promise<Remembered> {
  const {
    speaker = null,
    stream = factsStream,
    kind = "semantic",
    id = randomUUID(),
    atMs = nowMs,
  } = request;
  const text = request.text.trim();
  if (text === "") throw new ConfigError("fact-empty", "Expected a fact to remember, got an empty text");
  const { clock } = await factsIn(memory, stream, nowMs);
  const startSeconds = (atMs - (clock.kind === "wall" ? clock.originMs : nowMs)) / 1000;
  const span = { startSeconds, endSeconds: startSeconds + factSeconds };
  const source = { kind: "speech" as const, ...span, text, speaker, confidence: null };
  const fact: Omit<Statement, "clip"> = {
    ...{ kind, ...span, text, frameSeconds: [], sources: [source] },
    speakers: speaker === null ? [] : [speaker],
  };
  // A clip whose fact was forgotten holds none and takes none: the id goes on to its next number.
  for (let attempt = 0; ; attempt++) {
    const clip = Number.parseInt(sha256(`${id} ${attempt}`).slice(0, 12), 16);
    const earlier = await factOf(memory, stream, clip);
    if (earlier) return { entry: earlier, duplicate: true };
    const stored = await keep(memory, stream, { ...fact, clip });
    if (stored) return { entry: stored, duplicate: false };
    const meanwhile = await factOf(memory, stream, clip);
    if (meanwhile) return { entry: meanwhile, duplicate: true };
  }
}

/** Commits a fact to its clip. @returns `null` where the clip is decided already */
async function keep(memory: Memory, stream: string, statement: Statement): Promise<Entry | null> {
  const { clip, startSeconds, endSeconds } = statement;
  try {
    await memory.addObservation(blank(stream, clip, { startSeconds, endSeconds }));
  } catch (error) {
    if (isTaskMemError(error, "clip-decided")) return null;
    throw error;
  }
  const decision = { stream, clips: [clip], policy, revision, statements: [statement], stateChange: null };
  const { stored } = await memory.commit(decision);
  return stored[0] ?? null;
}

/** The stream of facts, made where there is none. @throws ConfigError `stream-watched` for one that is watched */
async function factsIn(memory: Memory, id: string, nowMs: number): Promise<StreamRecord> {
  const known = (await memory.streams()).find((stream) => stream.id === id);
  if (known && known.description !== factsDescription)
    throw new ConfigError(
      "stream-watched",
      `The stream ${id} is watched; facts have a stream of their own. Leave out \`stream\`, or name another.`,
    );
  const clock = { kind: "wall", originMs: nowMs } as const;
  const added = { id, description: factsDescription, clipSeconds: factSeconds, clock, fingerprint: null };
  return known ?? memory.addStream(added);
}

async function factOf(memory: Memory, stream: string, clip: number): Promise<Entry | null> {
  const [entry] = await memory.entries({ streams: [stream], clips: [clip] });
  return entry ?? null;
}

/** Without texts: no policy is to learn from what it did not decide about. */
function blank(
  stream: string,
  clip: number,
  span: Pick<Observation, "startSeconds" | "endSeconds">,
): Observation {
  const senses = { frames: [], speech: [], captions: [], screen: [], shots: [], people: [] };
  return { stream, clip, ...span, ...senses, tiers: { text: "remembered" }, problems: [] };
}
