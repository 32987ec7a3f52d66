/** Multiple choice without a model: the option whose own words stand in a sentence about what is asked, or in the line that scores best. */
import type { Reading, ReadRequest } from "../../answer/reader.ts";
import { soughtForms, type Token, tokensOf } from "../../answer/words/tokens.ts";
import { noCost, type WordSpace } from "../../engine.ts";
import type { RecalledEntry } from "../../memory/memory.ts";
import type { Option, Question } from "../../tasks/task.ts";
import { type Asked, isSubjectWord } from "./asked-question.ts";
import { abstain, agrees, coverOf, isKindAsked, isNumbered, whatIsMissing } from "./evidence.ts";
import { meaningOf, replyTo } from "./meant-evidence.ts";
import { nearestOption } from "./nearest-option.ts";
import { type Scores, scoreOf, unlessOutscored } from "./scored-lines.ts";
import { has, isBeside, isLater, type Sentence } from "./sentences.ts";

/** Share of the question's weight that a sentence must cover. */
const leastCoverOfOptions = 0.55;
/** Share of an option's own words that a sentence must hold. */
const leastOwn = 0.5;
/** The best option must beat the next by this factor, otherwise the later statement decides. */
const margin = 1.1;

/** Where a sentence holds this share of the question, what it says answers, whatever words the options have. */
const wholeCover = 0.9;

/** A sentence that supports an option. */
interface Support {
  readonly option: Option;
  readonly sentence: Sentence;
  /** Cover of the question times the share of the option's own words, 0 to 1. */
  readonly strength: number;
}

/** An option's own words, and whether it denies. */
interface Own {
  readonly terms: readonly Token[];
  /** Also those of the question. */
  readonly all: readonly Token[];
  readonly negated: boolean;
  /** Whether it holds any content word, if only one of the question. */
  readonly isTold: boolean;
}

/**
 * The reading of a multiple-choice question.
 * @param quoted the sentences that would answer it without options
 * @param likeness compares these with the options, where none holds their words
 * @param lineScores tells what of all that was not found by words answers, and which line does where nothing was found
 */
export async function choose(
  question: Question,
  asked: Asked,
  told: readonly Sentence[],
  words: WordSpace,
  recalled: readonly RecalledEntry[] = [],
  quoted: () => Promise<readonly Sentence[]> = async () => [],
  likeness?: ReadRequest["likeness"],
  lineScores?: ReadRequest["lineScores"],
): Promise<Reading> {
  const sentences = withOtherHalves(told);
  const own = new Map<Option, Own>(
    question.options.map((option) => {
      const { all, negated } = tokensOf(option.text, words);
      const content = all.filter(({ forms }) => forms.length > 0);
      const terms = content.filter(({ forms }) => !has(asked.held, forms));
      return [option, { terms, all: content, negated, isTold: content.length > 0 }];
    }),
  );
  // Where options differ in what they deny, a sentence must agree with the option, otherwise with the question.
  const differ = new Set([...own.values()].map(({ negated }) => negated)).size > 1;
  const byWords: Support[] = [];
  let nearest = 0;
  for (const sentence of sentences) {
    const cover = coverOf(sentence, asked);
    nearest = Math.max(nearest, cover);
    if (cover < leastCoverOfOptions || sentence.isQuestion) continue;
    if (!differ && !agrees(sentence, asked)) continue;
    byWords.push(...supportsOf(sentence, cover + talkShare(sentence, sentences, asked), own, differ));
  }
  // Why something is not so is told without denying it.
  const byTalk = async (): Promise<readonly Support[]> => {
    if (differ || (asked.negated && asked.wanted !== "reason")) return [];
    const answering = await quoted();
    const found = quotedSupports(answering, own);
    if (found.length > 0 || !likeness || answering.length === 0) return found;
    const near = await nearestOption(question.options, answering, likeness);
    return near ? [{ ...near, strength: 1 }] : [];
  };
  const ways: readonly (() => readonly Support[] | Promise<readonly Support[]>)[] = [
    () => byWords,
    () => (nearest >= wholeCover ? byTalk() : []),
    () => (differ || asked.negated ? [] : nearSupports(asked, sentences, own)),
    () => (differ ? [] : askedSupports(asked, sentences, own)),
    () => (differ || !asked.negated ? meantSupports(asked, sentences, own, recalled, differ, likeness) : []),
    byTalk,
  ];
  let supports: readonly Support[] = [];
  for (const way of ways) {
    if (supports.length > 0) break;
    supports = await way();
  }
  const prefers = asked.which === "first" ? (a: Support, b: Support) => isLater(b, a) : isLater;
  const chosen = chosenOf(strongestByOption(supports, prefers), prefers, own, asked, words);
  if (chosen && supports === byWords) return picked(chosen);
  if (lineScores && !differ) {
    const scores = await lineScores();
    if (chosen && unlessOutscored([chosen.sentence], scores).length > 0) return picked(chosen);
    const best = await supportByScore(question.options, sentences, own, scores, likeness);
    if (best) return picked(best);
  } else if (chosen) return picked(chosen);
  if (supports.length > 0 && !chosen) return abstain("One memory speaks for more than one option.");
  return nearest >= leastCoverOfOptions
    ? abstain("Memory speaks of this, but of none of the options.")
    : abstain(whatIsMissing(asked, sentences));
}

const picked = ({ option, sentence }: Pick<Support, "option" | "sentence">): Reading => ({
  answer: option.text,
  option: option.letter,
  abstained: false,
  cited: [sentence.entry.id],
  cost: noCost,
});

/** The best of some supports, one an option, the strongest first; `null` where one memory speaks for more than one, or none. */
function chosenOf(
  best: readonly Support[],
  prefers: (a: Support, b: Support) => boolean,
  own: ReadonlyMap<Option, Own>,
  asked: Asked,
  words: WordSpace,
): Support | null {
  const [first] = best;
  if (first === undefined) return null;
  const rivals = best.filter(({ strength }) => strength * margin >= first.strength);
  const { option, sentence } = rivals.reduce((a, b) => (prefers(b, a) ? b : a));
  const beside = rivals
    .filter((rival) => rival.sentence === sentence)
    .map((rival) => ({ ...rival, share: besideOption(rival, own.get(rival.option)!, asked, words) }))
    .sort((a, b) => b.share - a.share);
  if (beside.length > 1 && beside[0]!.share === beside[1]!.share) return null;
  return rivals.find((rival) => rival.option === (beside.length > 1 ? beside[0]!.option : option))!;
}

/** Least score of a line that holds the words of an option, and its lead over lines that hold those of others. */
const leastScore = 6;
const leastScoreLead = 1;
/** Least score of a line that an option is compared with by meaning. */
const leastScoreMeant = 5.5;

/**
 * The option whose words stand in the line that answers best by its score; where no such line does, the one that is nearest
 * in meaning to the best line. An option that the question holds itself cannot be told from it.
 */
async function supportByScore(
  options: readonly Option[],
  sentences: readonly Sentence[],
  own: ReadonlyMap<Option, Own>,
  scores: Scores,
  likeness?: ReadRequest["likeness"],
): Promise<Pick<Support, "option" | "sentence"> | null> {
  if ([...own.values()].some(({ terms }) => terms.length === 0)) return null;
  const scored = sentences.filter(({ entry }) => scores.has(entry.id));
  const supports = scored
    .filter(({ isQuestion }) => !isQuestion)
    .flatMap((one) =>
      supportsOf(one, 1, own, false).map((found) => ({ ...found, strength: scoreOf(one, scores) })),
    );
  const [first, second] = strongestByOption(supports, isLater);
  const lead = first ? first.strength - (second?.strength ?? Number.NEGATIVE_INFINITY) : 0;
  if (first && first.strength >= leastScore && lead >= leastScoreLead) return first;
  const [best] = scored.toSorted((a, b) => scoreOf(b, scores) - scoreOf(a, scores));
  if (!best || !likeness || scoreOf(best, scores) < leastScoreMeant) return null;
  return nearestOption(
    options,
    scored.filter(({ entry }) => entry === best.entry),
    likeness,
  );
}

/** The most that the lines around a sentence count. */
const mostOfTalk = 0.25;

/** What the lines around a sentence hold of the question that it does not, 0 to `mostOfTalk`: it tells equal sentences apart. */
function talkShare(sentence: Sentence, sentences: readonly Sentence[], asked: Asked): number {
  const terms = asked.terms.filter(isSubjectWord);
  const missing = terms.filter(({ forms }) => !has(sentence.holds, forms));
  const around = sentences.filter((other) => isBeside(other, sentence));
  const added = missing.filter(({ forms }) => around.some(({ holds }) => has(holds, forms)));
  return terms.length > 0 ? (mostOfTalk * added.length) / terms.length : 0;
}

const clauseEnd = /[,;–—]\s+(?=(?:and|but|while|whereas|or)\b)/i;

/** How many words of the question the clause holds that holds most of an option: "tops cost about 30, and trousers 50". */
function besideOption({ sentence }: Support, { terms }: Own, asked: Asked, words: WordSpace): number {
  const clauses = sentence.body
    .split(clauseEnd)
    .map((clause) => new Set(tokensOf(clause, words).all.flatMap(({ forms }) => forms)));
  const held = (clause: ReadonlySet<string>, sought: readonly (readonly string[])[]) =>
    sought.filter((forms) => has(clause, forms)).length;
  const [own] = clauses
    .map((clause) => ({ clause, count: held(clause, terms.map(soughtForms)) }))
    .sort((a, b) => b.count - a.count);
  return held(
    own!.clause,
    asked.terms.filter(({ isAsking }) => !isAsking).map(({ forms }) => forms),
  );
}

/** The weight that a word of another line of one talk has. */
const talkWeight = 0.5;

/**
 * Support by a line that holds a whole option, where the talk around it is what the question is about: what is said in
 * answer to something does not repeat it. Only where that speaks for a single option.
 */
function nearSupports(
  asked: Asked,
  sentences: readonly Sentence[],
  own: ReadonlyMap<Option, Own>,
): Support[] {
  const terms = asked.terms.filter(isSubjectWord);
  // A line of speech answers another; an option that the question holds itself cannot be told from it.
  if (terms.length === 0 || [...own.values()].some(({ terms }) => terms.length === 0)) return [];
  const supports = sentences
    .filter(({ isQuestion, negated, speakers }) => !isQuestion && !negated && speakers.size > 0)
    .flatMap((sentence) => {
      const around = sentences.filter((other) => isBeside(other, sentence));
      const shares = terms.map(({ forms }) =>
        has(sentence.holds, forms) ? 1 : around.some(({ holds }) => has(holds, forms)) ? talkWeight : 0,
      );
      const isOther = asked.names.some(
        ({ forms }) =>
          ![sentence, ...around].some(({ holds, speakers }) => has(holds, forms) || has(speakers, forms)),
      );
      const cover = shares.reduce<number>((sum, share) => sum + share, 0) / terms.length;
      const isRequired = asked.terms.every(
        ({ required, forms }) => !required || [sentence, ...around].some(({ holds }) => has(holds, forms)),
      );
      if (isOther || !isRequired || cover < leastNear) return [];
      return supportsOf(sentence, cover, own, false).filter(({ strength }) => strength >= cover);
    });
  return new Set(supports.map(({ option }) => option)).size === 1 ? supports : [];
}

/** Support of the one option that the question itself names, by a sentence about what is asked that holds all of it. */
function askedSupports(
  asked: Asked,
  sentences: readonly Sentence[],
  own: ReadonlyMap<Option, Own>,
): Support[] {
  const [named, ...others] = [...own].filter(([, { terms, isTold }]) => terms.length === 0 && isTold);
  if (!named || others.length > 0) return [];
  const [option, { all }] = named;
  return sentences
    .filter(({ isQuestion, negated, holds }) => {
      const isHeld = all.every((token) => has(holds, soughtForms(token)));
      return !isQuestion && negated === asked.negated && isHeld;
    })
    .map((sentence) => ({ option, sentence, strength: coverOf(sentence, asked) }))
    .filter(({ strength }) => strength >= leastCoverOfOptions);
}

/** Least cosine of an entry, times the share of an option's words that it holds; and the most that another option may have. */
const leastMeant = 0.3;
const mostOfOther = 0.8;
/** The same where it holds every word of the option. */
const leastWhole = 0.25;
const mostOfOtherWhole = 0.6;
/** A line that recall found by its words alone is compared without what is around it, which is less near. */
const aloneWeight = 0.8;

/**
 * Support by the entry that is nearest to the question by meaning among those that hold the words of an option, where no
 * other option comes near. Amounts and colours need a word of the question beside them: other things have the same.
 */
async function meantSupports(
  asked: Asked,
  sentences: readonly Sentence[],
  own: ReadonlyMap<Option, Own>,
  recalled: readonly RecalledEntry[],
  differ: boolean,
  likeness?: ReadRequest["likeness"],
): Promise<Support[]> {
  const meanings = new Map(recalled.map((one) => [one.entry, meaningOf(one)]));
  // An option that the question holds itself cannot be told from it.
  if ([...own.values()].some(({ terms }) => terms.length === 0)) return [];
  const reply = replyTo(asked, sentences, recalled);
  const isAmount = asked.wanted === "number" || asked.wanted === "colour";
  const holding = sentences.filter(
    (one) => !one.isQuestion && (differ || !one.negated) && supportsOf(one, 1, own, differ).length > 0,
  );
  const unknown = holding.filter(({ entry }) => meanings.get(entry) === 0);
  if (likeness && unknown.length > 0) {
    const cosines = await likeness(
      asked.text,
      unknown.map(({ body }) => body),
    );
    for (const [i, { entry }] of unknown.entries()) meanings.set(entry, aloneWeight * cosines[i]!);
  }
  const supports = holding.flatMap((sentence) => {
    const around = sentences.filter((other) => isBeside(other, sentence));
    const isHeld = (forms: readonly string[]) =>
      around.some(({ holds, speakers }) => has(holds, forms) || has(speakers, forms));
    const isTold =
      isNumbered(sentence, asked) || asked.terms.some((term) => isSubjectWord(term) && isHeld(term.forms));
    const isReply = sentence.entry === reply?.entry;
    const isOther =
      asked.names.some(({ forms }) =>
        isReply ? !isHeld(forms) : !has(sentence.holds, forms) && !has(sentence.speakers, forms),
      ) || asked.terms.some(({ required, forms }) => required && !isHeld(forms));
    const isOfKind = isReply || (isTold && isKindAsked(sentence, asked));
    if (isOther || (isAmount && !isOfKind)) return [];
    const meaning = Math.max(meanings.get(sentence.entry) ?? 0, isReply ? 2 * leastMeant : 0);
    return meaning > 0 ? supportsOf(sentence, meaning, own, differ) : [];
  });
  const [first, second] = strongestByOption(supports, isLater);
  const lead = first && second ? second.strength / first.strength : 0;
  const isWhole = (one: Support) => ownShare(one.sentence, own.get(one.option)!.terms) === 1;
  if (!first) return [];
  if (first.strength >= leastMeant && lead <= mostOfOther) return [first];
  return first.strength >= leastWhole && lead <= mostOfOtherWhole && isWhole(first) ? [first] : [];
}

/** Support by the talk that answers the question without options, where it holds the words of one option and of no other. */
function quotedSupports(quoted: readonly Sentence[], own: ReadonlyMap<Option, Own>): Support[] {
  if (quoted.some(({ speakers }) => speakers.size === 0)) return [];
  // An option that the question holds itself cannot be told from it.
  if ([...own.values()].some(({ terms }) => terms.length === 0)) return [];
  const supports = withOtherHalves(quoted).flatMap((sentence) => supportsOf(sentence, 1, own, false));
  return new Set(supports.map(({ option }) => option)).size === 1 ? supports : [];
}

const leastNear = 0.3;

/** Sentences in two languages hold the words of both, as a question and its options may be in different ones. */
function withOtherHalves(sentences: readonly Sentence[]): readonly Sentence[] {
  return sentences.map((sentence) => {
    const { entry, place } = sentence;
    const other = sentences.find((one) => one !== sentence && one.entry === entry && one.place === place);
    if (!other) return sentence;
    return {
      ...sentence,
      tokens: [...sentence.tokens, ...other.tokens],
      holds: new Set([...sentence.holds, ...other.holds]),
    };
  });
}

/** Options a sentence supports. An option whose words are all part of a longer matching option gets no support. */
function supportsOf(
  sentence: Sentence,
  cover: number,
  own: ReadonlyMap<Option, Own>,
  differ: boolean,
): Support[] {
  const held = [...own]
    .filter(([, { negated }]) => !differ || negated === sentence.negated)
    .map(([option, { terms, isTold }]) => ({
      option,
      terms,
      share: differ && terms.length === 0 && isTold ? 1 : ownShare(sentence, terms),
    }));
  const isPart = (terms: readonly Token[], of: readonly Token[]) =>
    of.length > terms.length &&
    terms.every(({ forms }) => of.some((other) => has(new Set(other.forms), forms)));
  return held
    .filter(({ share }) => share >= leastOwn)
    .filter(({ terms, share }) => held.every((other) => other.share < share || !isPart(terms, other.terms)))
    .map(({ option, share }) => ({ option, sentence, strength: cover * share }));
}

/** Share of an option's own words that a sentence holds; its numbers must appear whole and in one piece. */
function ownShare({ tokens, holds }: Sentence, own: readonly Token[]): number {
  if (own.length === 0) return 0;
  const numbers = own.filter(({ isNumber }) => isNumber);
  const follows = (at: number) =>
    numbers.every((number, i) => has(new Set(tokens[at + i]?.forms ?? []), soughtForms(number)));
  if (numbers.length > 0 && !tokens.some((_, at) => follows(at))) return 0;
  const isHeld = (token: Token, at: number) =>
    has(holds, soughtForms(token)) ||
    isJoined(own[at - 1], token, tokens) ||
    isJoined(token, own[at + 1], tokens);
  return own.filter(isHeld).length / own.length;
}

/** Whether a text writes two words as one: "eye shadow", "eyeshadow". */
const isJoined = (first: Token | undefined, second: Token | undefined, tokens: readonly Token[]): boolean =>
  first !== undefined &&
  second !== undefined &&
  tokens.some(({ folded }) => folded === first.folded + second.folded);

/** The sentence with the best support for each option, strongest first; `prefers` decides between equals. */
function strongestByOption(
  supports: readonly Support[],
  prefers: (a: Support, b: Support) => boolean,
): Support[] {
  const strongest = new Map<Option, Support>();
  for (const support of supports) {
    const known = strongest.get(support.option);
    const wins = known === undefined || support.strength > known.strength;
    if (wins || (support.strength === known.strength && prefers(support, known))) {
      strongest.set(support.option, support);
    }
  }
  return [...strongest.values()].sort((a, b) => b.strength - a.strength);
}
