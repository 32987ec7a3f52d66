/**
 * How much of what a question asks about is kept: what an adapter is tried by where its reader cannot tell.
 *
 * A question asks about its stems, with those of the right answer where feedback gives it, and without people's names: a
 * name stands with every line of its speaker. Every line of the streams that holds one of these stems is evidence, worth
 * the rarity of the stems it shares. It is kept as far as one memory of its moment holds those stems.
 * Lines that share little count too: ten questions say more about which words matter than about which lines do. Where an
 * encoder tells which words mean what a question asks about, they count half in lines that say something of them: its topic
 * is evidence too.
 */
import type { WordSpace } from "../engine.ts";
import type { Statement } from "../memory/memory.ts";
import { type Observation, type SourceText, sourceTexts } from "../perception/observation.ts";
import type { Task } from "../tasks/task.ts";
import { fewestAround } from "./choice/near-words.ts";

/** On-screen text of lower confidence is more often noise than text. */
const leastConfidence = 55;
/** A memory may be dated this far from the line it was made of, in seconds: one decision. */
const nearSeconds = 30;

/** Weight of a stem that only means what is asked about. */
const nearWeight = 0.5;

/** What was remembered of a stream. */
export interface KeptStatement {
  /** Place of its stream among those watched. */
  readonly stream: number;
  readonly statement: Pick<Statement, "text" | "startSeconds" | "endSeconds">;
}

/** What counts of a task. */
export type AskedTask = Pick<Task, "question" | "answer" | "option" | "feedback">;

/** A text of a stream, as stems. */
interface Line {
  readonly stream: number;
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly stems: ReadonlySet<string>;
}

/**
 * Measures what was remembered of some streams.
 * @param meant stems that mean what a task asks about, for each task; its own count whole
 * @returns for what was kept: for a task, the share of its evidence that was kept, 0 to 1; 0 where there is none
 */
export function keptEvidence(
  streams: readonly (readonly Observation[])[],
  words: WordSpace,
  meant: ReadonlyMap<AskedTask, Iterable<string>> = new Map(),
): (kept: readonly KeptStatement[]) => (task: AskedTask) => number {
  const texts = streams.map((observations) => observations.flatMap(sourceTexts).filter(isLegible));
  const lines = texts.flatMap((said, stream) =>
    said.map(({ text, ...span }): Line => ({ ...span, stream, stems: new Set(words.stems(text)) })),
  );
  const holders = new Map<string, Line[]>();
  for (const line of lines) {
    for (const stem of line.stems) {
      const known = holders.get(stem);
      if (known) known.push(line);
      else holders.set(stem, [line]);
    }
  }
  const speakers = new Set(texts.flat().flatMap(({ speaker }) => speaker ?? []));
  const names = new Set([...speakers].flatMap((speaker) => words.stems(speaker)));
  const rarity = (stem: string) => {
    const count = holders.get(stem)!.length;
    return Math.log(1 + (lines.length - count + 0.5) / (count + 0.5));
  };
  return (kept) => {
    const near = memoriesByTime(kept, words);
    return (task) => {
      const weights = new Map([...(meant.get(task) ?? [])].map((stem) => [stem, nearWeight]));
      for (const stem of askedStems(task, words)) weights.set(stem, 1);
      const asked = [...weights].filter(([stem]) => holders.has(stem) && !names.has(stem));
      const counts = (weight: number, { stems }: Line) => weight > nearWeight || stems.size >= fewestAround;
      const worthOf = (line: Line, memory = line.stems) =>
        asked.reduce(
          (sum, [stem, weight]) =>
            line.stems.has(stem) && memory.has(stem) && counts(weight, line)
              ? sum + weight * rarity(stem)
              : sum,
          0,
        );
      let total = 0;
      let held = 0;
      for (const line of new Set(asked.flatMap(([stem]) => holders.get(stem)!))) {
        total += worthOf(line);
        held += Math.max(0, ...near(line).map((memory) => worthOf(line, memory)));
      }
      return total === 0 ? 0 : held / total;
    };
  };
}

function isLegible({ confidence }: SourceText): boolean {
  return confidence === null || confidence >= leastConfidence;
}

/** Finds the stems of each memory near a line. */
function memoriesByTime(
  kept: readonly KeptStatement[],
  words: WordSpace,
): (line: Line) => readonly ReadonlySet<string>[] {
  const places = new Map<string, ReadonlySet<string>[]>();
  const place = (stream: number, seconds: number) => `${stream} ${Math.floor(seconds / nearSeconds)}`;
  for (const { stream, statement } of kept) {
    const { text, startSeconds, endSeconds } = statement;
    const stems = new Set(words.stems(text));
    const reached = new Set<string>();
    for (let at = startSeconds - nearSeconds; at < endSeconds + 2 * nearSeconds; at += nearSeconds)
      reached.add(place(stream, Math.min(at, endSeconds + nearSeconds)));
    for (const key of reached) places.set(key, [...(places.get(key) ?? []), stems]);
  }
  return ({ stream, startSeconds }) => places.get(place(stream, startSeconds)) ?? [];
}

/** Stems of the question, and of the answer that feedback gives or confirms. */
function askedStems({ question, feedback, option, answer }: AskedTask, words: WordSpace): string[] {
  const confirmed = feedback?.verdict === "right" ? (option ?? answer) : null;
  const right = feedback?.correction ?? confirmed;
  const chosen = question.options.find(({ letter }) => letter === right)?.text ?? right ?? "";
  return [...new Set(words.stems(`${question.text}\n${chosen}`))];
}
