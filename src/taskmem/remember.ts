/**
 * Facts kept as they are, without asking the policy, when a user says to remember them.
 *
 * Facts have a stream of their own with one clip per fact. A fact with an id is kept once: its clip's number comes from
 * the id, so a second try finds the first.
 */
import { randomUUID } from "node:crypto";
import { ConfigError, isTaskMemError } from "../errors.ts";
import { factPolicy } from "../memory/facts.ts";
import type { Entry, EntryKind, Memory, Statement, StreamRecord } from "../memory/memory.ts";
import type { Observation } from "../perception/observation.ts";
import { turn } from "../util/async.ts";
import { sha256 } from "../util/hash.ts";
import { oneLine, plainText } from "../util/plain-text.ts";
import { masked } from "../util/secrets.ts";

/** A fact to keep, with what is known about it. */
export interface RememberRequest {
  readonly text: string;
  /** Who said it. @default no one */
  readonly speaker?: string;
  /** Wall time it holds for. @default now */
  readonly atMs?: number;
  /** Id of a stream that holds only facts. @default "remembered" */
  readonly stream?: string;
  /** @default "semantic" */
  readonly kind?: EntryKind;
  /** Id of the fact, which is kept once. @default a new id for every call */
  readonly id?: string;
}

/** The entry of a fact. */
export interface Remembered {
  readonly entry: Entry;
  /** Whether a fact with this id was already kept; `entry` is that one. */
  readonly duplicate: boolean;
}

const factsStream = "remembered";
const factsDescription = "facts to remember";
/** Clips of facts are a moment long, in seconds. */
const factSeconds = 1e-3;
const revision = "remember@1";

/** Keeps a fact. @throws ConfigError for an empty text or a stream that is watched; StoreError */
export async function remember(memory: Memory, request: RememberRequest, nowMs: number): Promise<Remembered> {
  const { stream = factsStream, kind = "semantic", id = randomUUID(), atMs = nowMs } = request;
  const text = masked(plainText(request.text)).trim();
  const speaker = oneLine(request.speaker ?? "") || null;
  if (text === "") throw new ConfigError("fact-empty", "Expected a fact to remember, got an empty text");
  const { clock } = await factsIn(memory, stream, nowMs);
  const startSeconds = (atMs - (clock.kind === "wall" ? clock.originMs : nowMs)) / 1000;
  const span = { startSeconds, endSeconds: startSeconds + factSeconds };
  const source = { kind: "speech" as const, ...span, text, speaker, confidence: null };
  const fact: Omit<Statement, "clip"> = {
    ...{ kind, ...span, text, frameSeconds: [], sources: [source] },
    speakers: speaker === null ? [] : [speaker],
  };
  // A clip whose fact was forgotten stays empty, so the id takes its next number.
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

/** Commits a fact to its clip. @returns `null` if the clip is already decided */
async function keep(memory: Memory, stream: string, statement: Statement): Promise<Entry | null> {
  const { clip, startSeconds, endSeconds } = statement;
  try {
    await memory.addObservation(blank(stream, clip, { startSeconds, endSeconds }));
  } catch (error) {
    if (isTaskMemError(error, "clip-decided")) return null;
    throw error;
  }
  // Each step waits for the disk; others are answered in between.
  await turn();
  const decision = {
    stream,
    clips: [clip],
    policy: factPolicy,
    revision,
    statements: [statement],
    stateChange: null,
  };
  const { stored } = await memory.commit(decision);
  return stored[0] ?? null;
}

/** The stream of facts, created if missing. @throws ConfigError `stream-watched` for a stream that is watched */
async function factsIn(memory: Memory, id: string, nowMs: number): Promise<StreamRecord> {
  const known = (await memory.streams()).find((stream) => stream.id === id);
  if (known && known.description !== factsDescription)
    throw new ConfigError(
      "stream-watched",
      `The stream ${id} is watched, and facts have a stream of their own. Leave out \`stream\`, or name another.`,
    );
  const clock = { kind: "wall", originMs: nowMs } as const;
  const added = { id, description: factsDescription, clipSeconds: factSeconds, clock, fingerprint: null };
  return known ?? memory.addStream(added);
}

async function factOf(memory: Memory, stream: string, clip: number): Promise<Entry | null> {
  const [entry] = await memory.entries({ streams: [stream], clips: [clip] });
  return entry ?? null;
}

/** Without texts: no policy learns from clips it did not decide. */
function blank(
  stream: string,
  clip: number,
  span: Pick<Observation, "startSeconds" | "endSeconds">,
): Observation {
  const senses = { frames: [], speech: [], captions: [], screen: [], shots: [], people: [] };
  return { stream, clip, ...span, ...senses, tiers: { text: "remembered" }, problems: [] };
}
