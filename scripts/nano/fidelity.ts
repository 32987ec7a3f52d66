/** How much of nano's writing is true, per kind of fact: the figure that training is judged by. */

import { decode, sentencesIn } from "../../src/engines/nano/vocabulary.ts";
import {
  type Fact,
  type FactKind,
  factKinds,
  kindOfSentence,
  sentenceOf,
} from "../../src/household/language.ts";
import { allFacts } from "./facts.ts";

const knownSentences: ReadonlySet<string> = new Set(allFacts().map(sentenceOf));

/** Counts of statements. */
export interface Fidelity {
  /** Statements made and those true, per kind of their first word. */
  readonly stated: Record<FactKind, number>;
  readonly true: Record<FactKind, number>;
  /** Sentences that no fact has. */
  malformed: number;
  /** Statements that repeat the answer or the preceding memory. */
  redundant: number;
  answers: number;
}

/** Counts before the first statement. */
export function noStatements(): Fidelity {
  const zeros = () => Object.fromEntries(factKinds.map((kind) => [kind, 0])) as Record<FactKind, number>;
  return { stated: zeros(), true: zeros(), malformed: 0, redundant: 0, answers: 0 };
}

/** Adds an answer's statements to the counts. `known` is what the clip shows, `preceding` what was written before. */
export function countStatements(
  counts: Fidelity,
  answer: readonly number[],
  known: readonly Fact[],
  preceding: readonly number[],
): void {
  const truths = new Set(known.map(sentenceOf));
  const said = new Set(sentencesOf(preceding));
  counts.answers++;
  for (const sentence of sentencesOf(answer)) {
    const kind = kindOfSentence(sentence);
    if (!knownSentences.has(sentence)) counts.malformed++;
    if (kind === null) continue;
    counts.stated[kind]++;
    if (truths.has(sentence)) counts.true[kind]++;
    if (said.has(sentence)) counts.redundant++;
    said.add(sentence);
  }
}

/** Token ids as sentences, a cut last one included. */
export function sentencesOf(answer: readonly number[]): string[] {
  return sentencesIn(answer)
    .map(decode)
    .filter((sentence) => sentence !== "");
}

/** Share of true statements per kind and overall, malformed and redundant ones per statement, facts per answer. */
export function fidelityFigures(counts: Fidelity): Record<string, number> {
  const total = (by: Record<FactKind, number>) => Object.values(by).reduce((a, b) => a + b);
  const stated = total(counts.stated);
  return {
    ...Object.fromEntries(factKinds.map((kind) => [kind, counts.true[kind] / counts.stated[kind]])),
    all: total(counts.true) / stated,
    malformed: counts.malformed / stated,
    redundant: counts.redundant / stated,
    perAnswer: stated / counts.answers,
  };
}
