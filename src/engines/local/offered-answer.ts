/** Questions that offer an answer themselves, "Why is it closed, a holiday?": a line of the talk about it that says so answers. */
import type { RecalledEntry } from "../../memory/memory.ts";
import { type Asked, isSubjectWord } from "./asked-question.ts";
import { meaningOf } from "./meant-evidence.ts";
import { has, isBeside, type Sentence } from "./sentences.ts";

/** Least cosine of a line where the talk around it holds no other word of the question. */
const leastMeant = 0.4;
/** A question of this few content words proposes an answer: "A fridge magnet?" */
const mostProposed = 3;

/** The line that says all of an answer which the question offers, in the talk that holds most of the rest; `null` where none does. */
export function offeredSentence(
  asked: Asked,
  sentences: readonly Sentence[],
  recalled: readonly RecalledEntry[],
): Sentence | null {
  if (asked.offered.length === 0) return null;
  const meanings = new Map(recalled.map((one) => [one.entry, meaningOf(one)]));
  const rest = asked.terms.filter(
    (term) => isSubjectWord(term) && !asked.offered.some((offered) => has(new Set(offered), term.forms)),
  );
  const [best] = sentences
    .filter(({ isQuestion, tokens, negated, holds }) => {
      const isStatement =
        !isQuestion || tokens.filter(({ forms }) => forms.length > 0).length <= mostProposed;
      return isStatement && (!negated || asked.negated) && asked.offered.every((forms) => has(holds, forms));
    })
    .map((sentence) => {
      const talk = sentences.filter((other) => isBeside(other, sentence));
      const isTold = (forms: readonly string[]) =>
        talk.some(({ holds, speakers }) => has(holds, forms) || has(speakers, forms));
      const held = rest.filter(({ forms }) => isTold(forms)).length;
      const isOther =
        asked.names.some(({ forms }) => !isTold(forms)) ||
        rest.some(({ required, forms }) => required && !isTold(forms));
      return { sentence, held, isOther, meaning: meanings.get(sentence.entry) ?? 0 };
    })
    .filter(
      ({ held, isOther, meaning }) => !isOther && (held > 0 || rest.length === 0 || meaning >= leastMeant),
    )
    .sort((a, b) => b.held - a.held || b.meaning - a.meaning);
  return best?.sentence ?? null;
}
