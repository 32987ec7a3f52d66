/**
 * Questions that name a class ("What food did Ann eat?") where no sentence says that word: the value whose meaning is of
 * the class answers ("Ann: I ate dumplings."). Told by an encoder; without one such a question is declined.
 */
import type { ReadRequest } from "../../answer/reader.ts";
import type { Token } from "../../answer/words/tokens.ts";
import type { Asked } from "./asked-question.ts";
import { leastCover } from "./chain.ts";
import { coverOf, isKindAsked } from "./evidence.ts";
import { has, isLater, type Sentence } from "./sentences.ts";

/** Classes that a value may be of instead. */
const classes =
  "food drink colour animal tool room city country clothing vehicle plant instrument sport profession game film book weather furniture feeling person".split(
    " ",
  );
/** A class this near to the one that is asked for is no other class: meal and food. */
const sameClass = 0.6;
/** Least cosine of a value and its class, where others are further. */
const leastLike = 0.3;
/** Sentences and words of one that are compared. */
const mostSentences = 4;
const mostWords = 6;

const named =
  /\b(?:what|which)\s+(?:\p{L}+\s+)?(\p{L}+)\s+(?:did|do|does|is|are|was|were|has|have|had|can|could|will|would)\b/iu;

/** The sentence that tells a value of the class a question names, the later of equals; `null` where none does. */
export async function sentenceOfClass(
  asked: Asked,
  sentences: readonly Sentence[],
  likeness: NonNullable<ReadRequest["likeness"]>,
): Promise<Sentence | null> {
  const word = asked.language === "en" ? named.exec(asked.text)?.[1]?.toLowerCase() : undefined;
  const term = asked.terms.find((one) => one.word.toLowerCase() === word);
  if (word === undefined || term === undefined || term.weight < 1) return null;
  const rest: Asked = { ...asked, terms: asked.terms.filter((one) => one !== term) };
  // A name alone is no evidence.
  if (!rest.terms.some(({ weight, required }) => weight === 1 && !required)) return null;
  const told = sentences
    .filter(({ isQuestion, negated }) => !isQuestion && negated === asked.negated)
    .map((sentence) => ({ sentence, cover: coverOf(sentence, rest) }))
    .filter(({ sentence, cover }) => cover >= leastCover && isKindAsked(sentence, rest))
    .sort((a, b) => b.cover - a.cover || (isLater(a, b) ? -1 : 1))
    .slice(0, mostSentences);
  if (told.length === 0) return null;
  const near = await likeness(word, classes);
  const others = classes.filter((_, i) => near[i]! < sameClass);
  for (const { sentence } of told) {
    for (const value of valuesOf(sentence, asked)) {
      const [own, ...far] = await likeness(value, [word, ...others]);
      if (own! >= leastLike && far.every((one) => one < own!)) return sentence;
    }
  }
  return null;
}

/** Words that a sentence adds to the question. */
function valuesOf({ tokens }: Sentence, { held }: Asked): string[] {
  const isValue = ({ forms, isNumber }: Token) => forms.length > 0 && !isNumber && !has(held, forms);
  return tokens
    .filter(isValue)
    .slice(0, mostWords)
    .map(({ word }) => word);
}
