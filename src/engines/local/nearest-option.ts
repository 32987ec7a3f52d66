/**
 * Multiple choice where the talk answers without options, in other words than theirs: "Because I didn't attend any classes."
 * is nearest in meaning to "He had skipped every lecture".
 */
import type { ReadRequest } from "../../answer/reader.ts";
import type { Option } from "../../tasks/task.ts";
import type { Sentence } from "./sentences.ts";

/** Least cosine of an option and what was said, and its lead over every other option. */
const least = 0.25;
const leastLead = 0.05;

/** The option that is nearest in meaning to one of some sentences, and that sentence; `null` where none leads. */
export async function nearestOption(
  options: readonly Option[],
  quoted: readonly Sentence[],
  likeness: NonNullable<ReadRequest["likeness"]>,
): Promise<{ readonly option: Option; readonly sentence: Sentence } | null> {
  // Amounts are not told apart by meaning.
  if (options.some(({ text }) => /\p{N}/u.test(text))) return null;
  const texts = options.map(({ text }) => text);
  const cosines = await Promise.all(quoted.map(({ body }) => likeness(body, texts)));
  const best = options
    .map((option, i) => {
      const own = cosines.map((of) => of[i]!);
      const cosine = Math.max(...own);
      return { option, cosine, sentence: quoted[own.indexOf(cosine)]! };
    })
    .sort((a, b) => b.cosine - a.cosine);
  const [first, second] = best;
  if (!first || !second || first.cosine < least || first.cosine - second.cosine < leastLead) return null;
  return { option: first.option, sentence: first.sentence };
}
