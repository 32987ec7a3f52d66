/**
 * A reader without a model: it answers where the words of one remembered sentence answer, and abstains elsewhere.
 *
 * A sentence is evidence for a question when it
 * 1. is about the same people: a name counts where the text speaks of that person, or where that person speaks of
 *    themselves ("I", "my"). Who said it counts only in questions about saying. A name alone is no evidence;
 * 2. holds every number and most content words of the question (`leastCover`);
 * 3. denies exactly if the question does;
 * 4. holds what kind of thing is asked for: a number for "how many", a place for "where", and so on.
 *
 * Free-form questions get such sentences. Of statements that replace one another the latest alone is the answer and the
 * others are told beside it, unless the question asks for the first, the previous, since when, or how often it
 * changed. Multiple choice takes the option whose own words, those not in the question, stand in such a sentence, or that
 * is nearest in meaning to what would be the answer without options (`nearest-option.ts`).
 *
 * What a question offers itself ("…, a holiday?") is answered by who says so (`offered-answer.ts`); a statement of all that is
 * asked, by what is said next.
 *
 * Where no words answer, and lines were read together with the question, what they score decides (`scored-lines.ts`).
 *
 * Questions of the whole ("What happened?", "How long is it?") are answered by `whole-reading.ts`.
 * What was said at another time of day tells nothing of a meal (`meals.ts`).
 *
 * What it cannot do: meaning beyond a few everyday words, inference over several sentences, counting. Words are not
 * weighted by rarity, because recalled entries are a sample biased towards the question. Instead, words that ask rather
 * than tell ("time", "show") count a fifth.
 */
import type { Reader, Reading } from "../../answer/reader.ts";
import { asksOfMoves, toldMove } from "../../answer/words/question-words.ts";
import { type Token, tokensOf } from "../../answer/words/tokens.ts";
import { noCost, type WordSpace } from "../../engine.ts";
import type { Entry, RecalledEntry } from "../../memory/memory.ts";
import { type Clock, formatMoment } from "../../util/time.ts";
import { isUnspaced } from "../../util/two-languages.ts";
import { sentenceAcross } from "./across-languages.ts";
import { type Asked, askedOf, askingWords } from "./asked-question.ts";
import { bestOf, type Hit, isChain, leastCover, linksOf, type Value, valuesOf } from "./chain.ts";
import { choose } from "./choose-option.ts";
import { sentenceOfClass } from "./class-word.ts";
import { type Compared, comparedAlone } from "./compared-alone.ts";
import {
  abstain,
  agrees,
  coverOf,
  isKindAsked,
  isOwnMoment,
  keepsOther,
  tellsMoment,
  tellsMove,
  whatIsMissing,
} from "./evidence.ts";
import { ofMeal } from "./meals.ts";
import { meantSentences, onOneScale, saidAfter } from "./meant-evidence.ts";
import { offeredSentence } from "./offered-answer.ts";
import { sentencesByScore, unlessOutscored } from "./scored-lines.ts";
import { has, isLater, isNumeric, type Sentence, sentencesOf } from "./sentences.ts";
import { readWhole } from "./whole-reading.ts";

/** Most sentences a free-form answer quotes. */
const mostQuoted = 3;

/** Options of `lexicalReader`. */
export interface LexicalReaderOptions {
  readonly words: WordSpace;
}

/** A reader without a model: quotes the sentence that shares most with the question, and abstains where too little is shared. */
export function lexicalReader({ words }: LexicalReaderOptions): Reader {
  const asking = new Set(tokensOf(askingWords, words, "en").all.flatMap(({ forms }) => forms));
  return {
    id: "lexical@2",
    tokenBudget: 2000,
    readsEntries: true,
    find: (text, entries, clocks) => findEvent(text, entries, words, asking, clocks),
    replaced: (text, recalled, clocks) => {
      const asked = askedOf({ question: { text, options: [] }, recalled }, words, asking);
      return replacedIn(
        asked,
        recalled.flatMap(({ entry }) => sentencesOf(entry, words, asked.people, clocks)),
      );
    },
    read: async (request) => {
      const ofWhole = request.whole ? readWhole(request, request.whole, words) : null;
      if (ofWhole) return ofWhole;
      const entries = request.recalled.map(({ entry }) => entry);
      const clocks = request.clocks ?? new Map<string, Clock>();
      const asked = askedOf(request, words, asking);
      const told = entries.flatMap((entry) => sentencesOf(entry, words, asked.people, clocks));
      const sentences = ofMeal(request.question.text, told);
      if (asked.terms.length === 0 && asked.names.length === 0)
        return abstain("The question holds no word that could be looked up in memory.");
      const recalled = onOneScale(request.recalled);
      const { likeness, lineScores } = request;
      const read = inScriptOf(asked, sentences);
      let compared: Promise<readonly Compared[]> | undefined;
      const alone = async () => {
        if (!likeness) return [];
        compared ??= comparedAlone(asked, read, recalled, likeness);
        return compared;
      };
      if (request.question.options.length > 0) {
        const quoted = async () => {
          const { cited } = await quote(asked, read, recalled, alone);
          const offered = cited.length === 0 ? offeredSentence(asked, read, recalled) : null;
          return offered ? [offered] : sentences.filter(({ entry }) => cited.includes(entry.id));
        };
        return choose(request.question, asked, sentences, words, recalled, quoted, likeness, lineScores);
      }
      const scored = async (found: readonly Sentence[]) =>
        lineScores && found.length > 0 ? unlessOutscored(found, await lineScores()) : found;
      const reading = await quote(asked, read, recalled, alone, scored);
      if (!reading.abstained) return reading;
      const offered = offeredSentence(asked, read, recalled);
      const near =
        offered ??
        (likeness && (await sentenceOfClass(asked, read, likeness))) ??
        sentenceAcross(asked, await alone());
      const found = await scored(near ? [near] : []);
      if (found.length > 0) return said(found, [], asked);
      const best = lineScores ? sentencesByScore(asked, read, await lineScores()) : [];
      return best.length > 0 ? said(best, [], asked) : reading;
    },
  };
}

/** Sentences, of those that are told in two languages the half in the question's script. */
function inScriptOf({ text }: Asked, sentences: readonly Sentence[]): readonly Sentence[] {
  return sentences.filter(
    (one) =>
      isUnspaced(one.body) === isUnspaced(text) ||
      !sentences.some((half) => half !== one && half.entry === one.entry && half.place === one.place),
  );
}

/** The entry that best speaks of an event, the latest of equals; `null` where none does. */
function findEvent(
  text: string,
  recalled: readonly RecalledEntry[],
  words: WordSpace,
  asking: ReadonlySet<string>,
  clocks: ReadonlyMap<string, Clock>,
): Entry | null {
  const asked = askedOf({ question: { text, options: [] }, recalled }, words, asking);
  const [best] = recalled
    .flatMap(({ entry }) => sentencesOf(entry, words, asked.people, clocks))
    .filter(({ isQuestion }) => !isQuestion)
    .map((sentence) => ({ sentence, cover: coverOf(sentence, asked) }))
    .filter(({ cover }) => cover >= leastCover)
    .sort((a, b) => b.cover - a.cover || (isLater(a, b) ? -1 : 1));
  return best?.sentence.entry ?? null;
}

const asksWhich = /\b(?:which|what)\b/i;
const namesOne = /\b(?:an?|some|one)\b/i;
const whenWords = /^(?:today|tonight|now|then|yesterday|tomorrow)$/;

/** Whether a sentence says of a thing that it is there, and not which: "Today is a special day." */
function repeatsWhich({ text, tokens }: Sentence, { text: asked, held, offered }: Asked): boolean {
  if (!asksWhich.test(asked) || !namesOne.test(text) || offered.length > 0) return false;
  return tokens.every(
    ({ forms, folded }) => forms.length === 0 || has(held, forms) || whenWords.test(folded),
  );
}

/** Whether a sentence says nothing that a question for a thing does not: "Every strand is covered." */
const repeatsAll = ({ tokens }: Sentence, { wanted, wantsMoment, held, offered }: Asked): boolean =>
  wanted === "thing" &&
  !wantsMoment &&
  offered.length === 0 &&
  tokens.every((token) => token.forms.length === 0 || has(held, token.forms));

/** Least cosine of what is said next, as a share of that of the sentence before it. */
const leastShareOfNext = 0.6;
/** Share of a question that a sentence holds which tells of it and not what is asked. */
const wholeCover = 0.9;

/**
 * A sentence that tells all of a question but what is asked, "I have a headache.", or that there is more, "It is not just a
 * boat.", and what was said next that tells it.
 */
function toldNext(
  asked: Asked,
  sentences: readonly Sentence[],
  recalled: readonly RecalledEntry[],
): readonly Sentence[] {
  for (const sentence of sentences) {
    const isOther = keepsOther(sentence, asked);
    if (sentence.isQuestion || !(isOther || agrees(sentence, asked))) continue;
    if (coverOf(sentence, asked) < (isOther ? leastCover : wholeCover)) continue;
    const next = saidAfter(sentence, asked, sentences, recalled, leastShareOfNext);
    if (next) return [sentence, next];
  }
  return [];
}

/** The sentences that answer a free-form question, the best first. */
function hitsOf(asked: Asked, sentences: readonly Sentence[]): Hit[] {
  return sentences
    .filter(({ isQuestion }) => !isQuestion)
    .filter((sentence) => asked.wanted === "statement" || agrees(sentence, asked))
    .map((sentence) => ({ sentence, strength: coverOf(sentence, asked) }))
    .filter(({ sentence, strength }) => strength >= leastCover && isKindAsked(sentence, asked))
    .map(({ sentence, strength }) => ({ sentence, strength: strength * newsOf(sentence, asked) }))
    .sort((a, b) => b.strength - a.strength || (isLater(a, b) ? -1 : 1));
}

/** Whether all that a question asks about is one character, which many sentences hold as a part of other words. */
const isThin = ({ terms, names }: Asked): boolean =>
  names.length === 0 &&
  terms.filter(({ isAsking }) => !isAsking).length === 1 &&
  terms.some(({ forms, isAsking }) => !isAsking && /^\p{Script=Han}$/u.test(forms[0]!));

/** Whether a sentence has a word of the question as a word of its own. */
const isWordOf = ({ tokens }: Sentence, { terms }: Asked): boolean =>
  tokens.some(({ forms }) => terms.some((term) => has(new Set(forms), term.forms)));

/**
 * Answers a free-form question with the sentences that cover it best.
 * @param scored leaves out what was found otherwise and does not answer
 */
async function quote(
  asked: Asked,
  sentences: readonly Sentence[],
  recalled: readonly RecalledEntry[],
  alone: () => Promise<readonly Compared[]>,
  scored: (found: readonly Sentence[]) => Promise<readonly Sentence[]> = async (found) => found,
): Promise<Reading> {
  const hits = hitsOf(asked, isThin(asked) ? sentences.filter((one) => isWordOf(one, asked)) : sentences);
  const [first] = hits;
  if (first === undefined) {
    const next = await scored(toldNext(asked, sentences, recalled));
    if (next.length > 0) return said(next, [], asked);
    const meant = await scored(await meantSentences(asked, sentences, recalled, alone));
    return meant.length > 0 ? said(meant, [], asked) : abstain(whatIsMissing(asked, sentences));
  }
  // "Today is a special day.": what was said next may tell which.
  const isWhich = repeatsWhich(first.sentence, asked);
  if (isWhich || repeatsAll(first.sentence, asked)) {
    const leastShare = isWhich ? 0 : leastShareOfNext;
    const next = saidAfter(first.sentence, asked, sentences, recalled, leastShare);
    if (next) return said([next], [], asked);
  }
  const best = bestOf(hits);
  const chain = isChain(best, asked);
  if (!chain && asked.which === "any") return said(distinct(best).slice(0, mostQuoted), [], asked);
  const links = chain ? linksOf(best, sentences, asked) : best.map(({ sentence }) => sentence);
  const isOfMoves = asked.which === "changes" && asksOfMoves(asked.text);
  const moves = isOfMoves ? links.filter(tellsMove) : links;
  return fromChain(valuesOf(moves.length > 0 ? moves : links, asked), asked);
}

const ofThePast = /\b(?:was|were|did|had|used to)\b/i;

/** Ids of the entries that the last value of what is asked for replaced; none where the past is asked for. */
function replacedIn(asked: Asked, sentences: readonly Sentence[]): string[] {
  const isOfNow = asked.which === "any" || asked.which === "latest";
  if (!isOfNow || asked.wanted === "statement" || ofThePast.test(asked.text)) return [];
  const best = bestOf(hitsOf(asked, sentences));
  if (best.length === 0 || !isChain(best, asked)) return [];
  const links = linksOf(best, sentences, asked);
  const { since } = valuesOf(links, asked).at(-1)!;
  const isStale = (sentence: Sentence) => isLater({ sentence: since }, { sentence });
  const held = new Set(links.filter((sentence) => !isStale(sentence)).map(({ entry }) => entry.id));
  return [...new Set(links.map(({ entry }) => entry.id))].filter((id) => !held.has(id));
}

function fromChain(values: readonly Value[], asked: Asked): Reading {
  const latest = values.at(-1)!;
  const before = values.slice(0, -1).map(({ since }) => since);
  switch (asked.which) {
    case "first":
      return said([values[0]!.since], [], asked);
    case "previous": {
      const previous = values.at(-2);
      if (previous === undefined) return abstain("Memory holds one statement of this and none before it.");
      return said([previous.last], before.slice(0, -1).reverse(), asked);
    }
    case "since":
      return said([latest.since], before.reverse(), asked);
    case "changes": {
      // What is told first may be a move itself.
      const isFirstMoved = asksOfMoves(asked.text) && toldMove.test(values[0]!.since.text);
      const count = before.length + (isFirstMoved ? 1 : 0);
      const times = count === 1 ? "once" : `${count} times`;
      const all = values.map(({ since }) => since);
      const told = said(all, [], asked);
      return {
        ...told,
        answer: `${count === 0 ? "It did not change" : `It changed ${times}`}:\n${told.answer}`,
      };
    }
    default:
      return said([latest.last], before.reverse(), asked);
  }
}

/** Sentences with different words, in their order. */
function distinct(hits: readonly Hit[]): Sentence[] {
  const found = new Map<string, Sentence>();
  for (const { sentence } of hits) {
    const key = sentence.tokens.flatMap(({ forms }) => forms.slice(0, 1)).join(" ");
    if (!found.has(key)) found.set(key, sentence);
  }
  return [...found.values()];
}

/** A reading that quotes sentences, each with its moment where one is asked for. */
function said(sentences: readonly Sentence[], earlier: readonly Sentence[], asked: Asked): Reading {
  const always = asked.which === "since" || asked.which === "changes";
  const isTold = (sentence: Sentence) =>
    asked.wanted === "moment" ? tellsMoment(sentence, asked) : sentence.tokens.some(isOwnMoment);
  const told = sentences.map((sentence) =>
    (asked.wantsMoment && !isTold(sentence)) || always
      ? `${formatMoment(sentence.entry.startSeconds, sentence.clock)}: ${sentence.text}`
      : sentence.text,
  );
  const cited = [...new Set(sentences.map(({ entry }) => entry.id))];
  const others = [...new Set(earlier.map(({ entry }) => entry.id))].filter((id) => !cited.includes(id));
  return {
    answer: told.join("\n"),
    option: null,
    abstained: false,
    cited,
    ...(others.length > 0 && { earlier: others }),
    cost: noCost,
  };
}

/** How much a sentence adds to the question. */
function newsOf({ tokens }: Sentence, { held, wantsMoment }: Asked): number {
  const isNew = ({ forms }: Token) => forms.length > 0 && !has(held, forms);
  if (wantsMoment && tokens.some((token) => isNumeric(token) && isNew(token))) return 1.25;
  return tokens.some(isNew) ? 1 : 0.75;
}
