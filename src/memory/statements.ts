/** From a decision's statements to what a store keeps: ids, vectors, evidence. */
import type { Embedder, EmbedOptions } from "../engine.ts";
import { StoreError } from "../errors.ts";
import type { KnownOne } from "../identity/records.ts";
import { referring, rendered } from "../identity/references.ts";
import { shortId } from "../util/hash.ts";
import { plainText } from "../util/plain-text.ts";
import { masked } from "../util/secrets.ts";
import type { Decision, Evidence, PackedObservation, RecallQuery, Statement } from "./records.ts";

/** A statement with the id it will have. */
export interface Candidate {
  readonly statement: Statement;
  readonly text: string;
  readonly id: string;
}

/**
 * Gives statements their ids. An id follows from stream, clip, revision, place and text, so repeating a decision gives
 * the same ids.
 * @throws RangeError for a statement about a clip outside the decision, or with an unordered span
 */
export function candidatesOf({ stream, clips, revision, statements }: Decision): Candidate[] {
  const ordinals = new Map<number, number>();
  return statements.map((statement) => {
    const { clip, startSeconds, endSeconds } = statement;
    if (!clips.includes(clip)) {
      throw new RangeError(`Expected statements about clips ${clips.join(", ")}, got one about clip ${clip}`);
    }
    if (!(Number.isFinite(startSeconds) && endSeconds >= startSeconds && Number.isFinite(endSeconds))) {
      throw new RangeError(`Expected a statement's span to be ordered, got ${startSeconds} to ${endSeconds}`);
    }
    const ordinal = ordinals.get(clip) ?? 0;
    ordinals.set(clip, ordinal + 1);
    const text = keptText(statement.text);
    return { statement, text, id: shortId("entry", stream, clip, revision, ordinal, text) };
  });
}

const keptText = (text: string) => masked(plainText(text)).trim();

/** A candidate whose text names people as they are called now. */
export interface NamedCandidate extends Candidate {
  /** The text with references to people; `null` where it refers to no one. */
  readonly told: string | null;
}

/** Candidates with the people in their texts, `[person_3]`, by name. */
export function named(candidates: readonly Candidate[], people: readonly KnownOne[]): NamedCandidate[] {
  return candidates.map((candidate) => {
    const told = referring(keptText(candidate.statement.told ?? candidate.text), people);
    if (told === null) return { ...candidate, told };
    // What was told a moment ago is true still, whichever clip it is of.
    const at = { stream: "", clip: candidate.statement.clip };
    return { ...candidate, told, text: rendered(told, at, { people, faces: [] }) };
  });
}

/** What of a query its embedder compares. */
export const askedOf = ({ meaning }: Embedder, { text, meant = text }: RecallQuery): string =>
  (meaning === undefined ? text : meant).trim();

/** Vectors of texts; an empty text gets zeros without a call. @throws StoreError `embedder-broken` */
export async function embedAll(
  embedder: Embedder,
  texts: readonly string[],
  { signal, role, contexts, once }: EmbedOptions & { readonly signal?: AbortSignal | undefined } = {},
): Promise<Float32Array[]> {
  const given = texts.filter((text) => text !== "");
  const around = contexts?.filter((_, i) => texts[i] !== "");
  const how = { ...(role && { role }), ...(around && { contexts: around }), ...(once && { once }) };
  const found = given.length === 0 ? [] : await embedder.embed(given, signal, how);
  const wrong = found.find(({ length }) => length !== embedder.dimension);
  if (found.length !== given.length || wrong) {
    throw new StoreError(
      "embedder-broken",
      `Expected ${given.length} vectors of ${embedder.dimension} from ${embedder.id}, got ${found.length}${wrong ? ` with one of ${wrong.length}` : ""}`,
    );
  }
  let next = 0;
  return texts.map((text) => (text === "" ? new Float32Array(embedder.dimension) : found[next++]!));
}

/** Largest difference between a key frame's time and the time asked for, in seconds. */
const frameToleranceSeconds = 1e-3;

/**
 * The evidence of a statement; without frames if the observation is gone.
 * @throws RangeError if a moment is no frame of the observation
 */
export function evidenceOf(
  statement: Statement,
  observation: Pick<PackedObservation, "frames" | "tiers"> | null,
): Evidence {
  const { frames, tiers } = observation ?? { frames: [], tiers: {} };
  const moments = observation === null ? [] : statement.frameSeconds;
  return {
    clips: [statement.clip],
    startSeconds: statement.startSeconds,
    endSeconds: statement.endSeconds,
    frames: moments.map((seconds) => {
      const frame = frames.find(({ atSeconds }) => Math.abs(atSeconds - seconds) <= frameToleranceSeconds);
      if (frame) return { atSeconds: frame.atSeconds, hash: frame.hash };
      throw new RangeError(
        `Expected \`frameSeconds\` to be frames of clip ${statement.clip} (${frames.map(({ atSeconds }) => atSeconds).join(", ") || "none"}), got ${seconds}`,
      );
    }),
    sources: statement.sources,
    tiers,
  };
}
