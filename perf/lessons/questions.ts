/**
 * Questions that a rule makes of the lines of a stream, so that any stream can be asked and the right line is known.
 *
 * A line of a named speaker gives "What did Ann say about the price, the tickets and the bus?": up to three of its content
 * words, without the rarest of the line, which is left for the answer. These are nearly the source's own words: what a
 * lesson can change is whether the line was kept, and that is what such questions measure.
 */
import { wordSpace } from "../../src/engines/local/index.ts";
import type { Observation } from "../../src/perception/observation.ts";
import { type Kind, wordsOf } from "../real-text/kinds.ts";

/** A question whose answer one line holds. */
export interface LineQuestion {
  readonly text: string;
  readonly kind: string;
  /** The line: when it was said, by whom, and its words. */
  readonly gold: { readonly startSeconds: number; readonly speaker: string; readonly text: string };
}

const fewestStems = 4;
const mostAsked = 3;

/**
 * The questions about one kind that the lines of some clips give, in order, one a line.
 * @param names people who speak; their names are not asked about
 */
export function questionsOf(
  observations: readonly Observation[],
  kind: Pick<Kind, "name" | "words">,
  names: ReadonlySet<string>,
): LineQuestion[] {
  const counts = new Map<string, number>();
  const lines = observations.flatMap(({ speech }) => speech);
  for (const { text } of lines)
    for (const stem of new Set(wordSpace.stems(text))) counts.set(stem, (counts.get(stem) ?? 0) + 1);
  const found = new Map<string, LineQuestion>();
  for (const { text, speaker, startSeconds } of lines) {
    if (speaker === null || !names.has(speaker)) continue;
    const content = new Map<string, string>();
    for (const word of wordsOf(text)) {
      const [stem, ...more] = wordSpace.stems(word);
      const isName = [...names].some((name) => name.toLowerCase() === word);
      if (stem !== undefined && more.length === 0 && !isName && !content.has(stem)) content.set(stem, word);
    }
    const ofKind = [...content].filter(([, word]) => kind.words.has(word));
    if (ofKind.length === 0 || content.size < fewestStems) continue;
    const rarest = [...content.keys()]
      .filter((stem) => ofKind.length > 1 || stem !== ofKind[0]![0])
      .reduce((best, stem) => (counts.get(stem)! < counts.get(best)! ? stem : best));
    const others = [...content].filter(([stem]) => stem !== rarest && !ofKind.some(([own]) => own === stem));
    const asked = [...ofKind.filter(([stem]) => stem !== rarest), ...others].slice(0, mostAsked);
    const inOrder = [...content]
      .filter(([stem]) => asked.some(([own]) => own === stem))
      .map(([, word]) => word);
    const about = `${inOrder.slice(0, -1).join(", ")} and ${inOrder.at(-1)}`;
    const question = `What did ${speaker} say about ${about}?`;
    if (!found.has(question))
      found.set(question, { text: question, kind: kind.name, gold: { startSeconds, speaker, text } });
  }
  return [...found.values()];
}
