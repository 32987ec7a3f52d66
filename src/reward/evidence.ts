/**
 * What the texts of a clip prove, counted in stems: all the evidence of a judge without a model.
 *
 * Evidence is what was heard, captioned and read in the decided clips. What was written or heard before them is
 * background: a memory may refer to it, but it proves nothing new. Pictures are ignored.
 */

import type { WordSpace } from "../engine.ts";
import { sourceTexts } from "../perception/observation.ts";
import type { Context } from "../policy/policy.ts";
import { addressesJudge } from "./sentences.ts";

/** The evidence for one context. */
export interface Evidence {
  /** Stems of each line, shape [lines]. */
  readonly lines: readonly { readonly stems: ReadonlySet<string>; readonly isQuestion: boolean }[];
  /** Every stem of the clips with its worth; 0 for one that was only said to sway a judge. */
  readonly worth: ReadonlyMap<string, number>;
  /** Stems known from before, and those of people's names. */
  readonly background: ReadonlySet<string>;
  /** The memories written before, as stems. */
  readonly written: readonly ReadonlySet<string>[];
  /** How rare a stem is, above 0: among all lines ever offered or, where those were not counted, among those in sight. */
  rarity(stem: string): number;
  /** Content stems per token. */
  readonly density: number;
  /** Whether a capital inside a sentence marks a name, as it does not in German. */
  readonly capitalsMarkNames: boolean;
}

/** On-screen text of lower confidence is more often noise than text. */
const leastConfidence = 55;

/** The evidence that a context holds. */
export function evidenceOf({ observations, recent, state }: Context, words: WordSpace): Evidence {
  const sources = observations
    .flatMap(sourceTexts)
    .filter(({ confidence }) => confidence === null || confidence >= leastConfidence);
  const before = recent.observations.flatMap(sourceTexts);
  const lines = sources.map(({ text, speaker, confidence }) => ({
    text,
    stems: new Set(words.stems(speaker === null ? text : `${speaker} ${text}`)),
    isQuestion: /[?？]/.test(text),
    trust: addressesJudge(text) ? 0 : (confidence ?? 100) / 100,
  }));
  const people = [...recent.observations, ...observations].flatMap((one) => one.people);
  const written = recent.entries.map(({ text }) => new Set(words.stems(text)));
  const linesBefore = before.map(({ text, speaker }) => words.stems(`${speaker ?? ""} ${text}`));
  const rarity = rarityOf([...lines.map(({ stems }) => stems), ...linesBefore], state);

  const told = new Map<string, { times: number; trust: number }>();
  for (const { stems, trust } of lines) {
    for (const stem of stems) {
      const { times, trust: most } = told.get(stem) ?? { times: 0, trust: 0 };
      told.set(stem, { times: times + Math.sign(trust), trust: Math.max(most, trust) });
    }
  }
  const text = sources.map((source) => source.text).join("\n");
  return {
    lines,
    // What is mentioned again and again is what the clip is about.
    worth: new Map(
      [...told].map(([stem, { times, trust }]) => [
        stem,
        trust === 0 ? 0 : trust * rarity(stem) * (1 + Math.log(times)),
      ]),
    ),
    background: new Set([
      ...written.flatMap((stems) => [...stems]),
      ...linesBefore.flat(),
      ...people.flatMap(({ id, name }) => words.stems(`${id} ${name ?? ""}`)),
    ]),
    written,
    rarity,
    density: words.stems(text).length / Math.max(1, words.countTokens(text)),
    capitalsMarkNames: capitalShare(text) <= 0.25,
  };
}

/** ln(1 + N / (1 + n)) for a stem that n of N lines hold. */
function rarityOf(inSight: readonly Iterable<string>[], state: Context["state"]): (stem: string) => number {
  if (state.documents > 0) {
    return (stem) => Math.log(1 + state.documents / (1 + (state.words.get(stem) ?? 0)));
  }
  const counts = new Map<string, number>();
  for (const line of inSight) {
    for (const stem of new Set(line)) counts.set(stem, (counts.get(stem) ?? 0) + 1);
  }
  const total = Math.max(1, inSight.length);
  return (stem) => Math.log(1 + total / (1 + (counts.get(stem) ?? 0)));
}

/** Share of words inside sentences that begin with a capital. */
function capitalShare(text: string): number {
  const inside = [...text.matchAll(/(?<=\p{Ll}[,;]? )\p{L}+/gu)];
  return inside.filter(([word]) => /^\p{Lu}\p{Ll}/u.test(word)).length / Math.max(1, inside.length);
}
