/** How well recalled lines answer a question, each read with what was said around it. */
import type { Embedder, LineAround } from "../engine.ts";
import { isFact } from "../memory/facts.ts";
import type { Entries, EntryList, RecalledEntry } from "../memory/memory.ts";

/** Lines before and after one that are read with it, and how far from it they begin, in seconds. */
const beside = { before: 3, after: 1, seconds: 40 } as const;
/** Lines that are read: the first ones of talk that recall found. Facts are no talk, and what they say stands in them. */
export const mostScored = 20;

/** What a score is made of: the logit, and what recall found of the line, its cosine and its fused score; less than `usual` counts against it. */
const logitWeight = 0.5;
const nearness = { weight: 10, usual: 0.4 } as const;
const rank = { weight: 20, usual: 0.25 } as const;

/**
 * Scores of the first recalled lines by their entries' ids: logits of `scoreLines` of `Embedder`, and how near recall found
 * them. Lines that could not be read have none, nor have those around which nothing was said: adapters learn of talk.
 */
export async function lineScores(
  question: string,
  recalled: readonly RecalledEntry[],
  scoreLines: NonNullable<Embedder["scoreLines"]>,
  memory: Pick<Entries, "entries">,
  filter: EntryList,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const first = recalled.filter(({ entry }) => !isFact(entry)).slice(0, mostScored);
  const around = await Promise.all(
    first.map(async (one) => ({ one, line: await withAround(one, memory, filter) })),
  );
  const read = around.filter(({ line }) => line.before !== "" || line.after !== "");
  if (read.length === 0) return new Map();
  const lines = read.map(({ line }) => line);
  const scores = await scoreLines(question, lines, signal);
  const found = read.map(({ one: { entry, score } }, i): [string, number] => {
    const near = (score.vector?.byMeaning ? score.vector.score : 0) - nearness.usual;
    const recall = nearness.weight * near + rank.weight * (score.total - rank.usual);
    return [entry.id, logitWeight * scores[i]! + recall];
  });
  return new Map(found.filter(([, score]) => Number.isFinite(score)));
}

async function withAround(
  { entry }: RecalledEntry,
  memory: Pick<Entries, "entries">,
  filter: EntryList,
): Promise<LineAround> {
  const near = await memory.entries({
    ...filter,
    streams: [entry.stream],
    fromSeconds: entry.startSeconds - beside.seconds,
    toSeconds: entry.startSeconds + beside.seconds,
  });
  const at = near.findIndex(({ id }) => id === entry.id);
  const told = (from: number, to: number) =>
    near
      .slice(Math.max(0, from), to)
      .map(({ text }) => text)
      .join("\n");
  return {
    text: entry.text,
    before: at < 0 ? "" : told(at - beside.before, at),
    after: at < 0 ? "" : told(at + 1, at + 1 + beside.after),
  };
}

/** Recalled entries, those with a score in its order; what has none, such as a fact, keeps its place. */
export function bestFirst(
  recalled: readonly RecalledEntry[],
  scores: ReadonlyMap<string, number>,
): readonly RecalledEntry[] {
  const isScored = ({ entry }: RecalledEntry) => scores.has(entry.id);
  const best = recalled
    .filter(isScored)
    .sort((a, b) => scores.get(b.entry.id)! - scores.get(a.entry.id)!)
    .values();
  return recalled.map((one) => (isScored(one) ? best.next().value! : one));
}
