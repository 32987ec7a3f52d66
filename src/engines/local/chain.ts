/**
 * Statements of one thing that replace one another, told in other words each time: which of them belong together, and
 * what its values were in order.
 */
import { adding, asksOfState, isStateWord, updating } from "../../answer/words/question-words.ts";
import type { Asked } from "./asked-question.ts";
import { coverOf, isKindAsked } from "./evidence.ts";
import { has, isLater, type Sentence } from "./sentences.ts";

/** Share of the question's weight that a sentence must cover. */
export const leastCover = 0.6;
/** The best sentence must beat the next by this factor, otherwise both are told or the later one holds. */
const margin = 1.1;

/** A sentence that answers a free-form question. */
export interface Hit {
  readonly sentence: Sentence;
  readonly strength: number;
}

/** A value, from the statement that first told it to the last one in a row that did. */
export interface Value {
  readonly since: Sentence;
  readonly last: Sentence;
}

/** The hits that answer as well as the best one: those near its strength, and weaker ones that tell of a change. */
export function bestOf(hits: readonly Hit[]): Hit[] {
  const strongest = hits[0]?.strength ?? 0;
  return hits.filter(
    ({ strength, sentence }) => strength * (updating.test(sentence.text) ? 1.5 : margin) >= strongest,
  );
}

/** Whether these hits tell values of one thing after another, and not several things that hold together. */
export function isChain(hits: readonly Hit[], asked: Asked): boolean {
  return asksOfState(asked.text) && !hits.some(({ sentence }) => adding.test(sentence.text));
}

/**
 * The sentences of a chain: the hits, and those that tell the same thing without the question's verb ("Where does the
 * party sit?": "The waiter moved the party to table six."). They tell of a change, or share a word with a hit that is not
 * the question's, as "table" here.
 */
export function linksOf(hits: readonly Hit[], sentences: readonly Sentence[], asked: Asked): Sentence[] {
  const found = hits.map(({ sentence }) => sentence);
  const terms = asked.terms.filter(({ word }) => !isStateWord(word));
  const isAboutMore = terms.some(({ weight }) => weight === 1);
  if (!isAboutMore || terms.length === asked.terms.length) return found;
  const shared = new Set(
    found.flatMap((sentence) => [...ownForms(sentence, asked), ...measuresOf(sentence)]),
  );
  const others = sentences.filter(
    (sentence) =>
      !found.includes(sentence) &&
      !sentence.isQuestion &&
      sentence.negated === asked.negated &&
      (updating.test(sentence.text) ||
        [...ownForms(sentence, asked), ...measuresOf(sentence)].some((own) => shared.has(own))) &&
      coverOf(sentence, { ...asked, terms }) >= leastCover &&
      isKindAsked(sentence, asked),
  );
  return [...found, ...others];
}

/** Its values, the oldest first; a value said again belongs to the run it began. */
export function valuesOf(sentences: readonly Sentence[], asked: Asked): Value[] {
  const inOrder = sentences.toSorted((a, b) => (isLater({ sentence: a }, { sentence: b }) ? 1 : -1));
  const values: (Value & { readonly key: string })[] = [];
  for (const sentence of inOrder) {
    const key = ownForms(sentence, asked).sort().join(" ");
    const known = values.at(-1);
    if (known && known.key === key) values[values.length - 1] = { ...known, last: sentence };
    else values.push({ key, since: sentence, last: sentence });
  }
  if (asked.which !== "changes") return values;
  // What is said again and again between other things is no value of the one that changes: "The party is loud."
  const times = (key: string) => values.filter((value) => value.key === key).length;
  const isTold = ({ key, since }: (typeof values)[number]) => times(key) < 3 || updating.test(since.text);
  const changing = values.filter(isTold);
  return changing.length > 1 ? changing : values;
}

/** Words that a sentence adds to the question, without those that only say that something changed. */
function ownForms({ tokens }: Sentence, asked: Asked): string[] {
  const own = tokens
    .filter(({ forms, folded }) => forms.length > 0 && !has(asked.held, forms) && !updating.test(folded))
    .map(({ forms }) => forms[0]!);
  return [...new Set(own)];
}

/** What its numbers measure. */
function measuresOf({ tokens }: Sentence): string[] {
  return tokens.flatMap(({ measures }) =>
    measures === null || measures === undefined ? [] : `measures ${measures}`,
  );
}
