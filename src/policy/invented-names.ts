/**
 * Names that a model gives to people and that nothing gives it: no line, print or memory of the window, and no person who
 * has that name.
 *
 * A capital makes no name, so only what is plainly called one is found, in English: what stands beside a tag (`Jack (<face_1>)`,
 * `<face_1>, Jack,`), behind "a man named" or a title, or before a verb that only people do (`Jack smiles`). Other names pass.
 */
import { foldName } from "../memory/names.ts";
import { sourceTexts } from "../perception/observation.ts";
import type { Context } from "./policy.ts";

/** A name that was made up, and what stands without it. */
export interface InventedName {
  readonly name: string;
  readonly at: number;
  readonly written: string;
  readonly instead: string;
}

/** Words that may be names for good reason. */
export function givenWords({
  observations,
  recent,
  tags = [],
  supplement = "",
}: Context): ReadonlySet<string> {
  const clips = [...recent.observations, ...observations];
  const texts = [
    ...clips.flatMap(sourceTexts).flatMap(({ text, speaker }) => [text, speaker ?? ""]),
    ...clips.flatMap(({ people }) => people.map(({ name }) => name ?? "")),
    ...recent.entries.map(({ text }) => text),
    ...tags.map(({ name }) => name ?? ""),
    supplement,
  ];
  return new Set(texts.flatMap(wordsOf));
}

const wordsOf = (text: string): string[] =>
  text
    .split(/[^\p{L}\p{M}\p{N}]+/u)
    .filter((word) => word !== "")
    .map(foldName);

const word = "\\p{Lu}(?:['’]\\p{Lu})?[\\p{Ll}\\p{M}]+(?:['’-]\\p{Lu}?\\p{Ll}+)*(?!\\p{L}|['’]\\p{L})";
const run = `(?<name>${word}(?: ${word}){0,2})`;
const tag = "(?<tag><[\\p{L}]+_\\d+>)";
const someone = "(?:man|woman|person|boy|girl|child|colleague|friend|host|presenter|speaker|guest|lady|guy)";
const acts =
  "(?:says|asks|tells|replies|answers|explains|smiles|laughs|nods|waves|sits|walks|speaks|talks|listens|wears|gestures|greets|thanks|introduces)";

/** Each with what stands in its place. */
const rules: readonly (readonly [pattern: string, instead: (groups: Record<string, string>) => string])[] = [
  [`${tag} \\(${run}\\)`, ({ tag }) => tag!],
  [`${run} \\(${tag}\\)`, ({ tag }) => tag!],
  [`${tag}, ${run},`, ({ tag }) => tag!],
  [`${tag},? (?:named|called|known as|whose name is) ${run},?`, ({ tag }) => tag!],
  [`(?<who>\\b${someone}),? (?:named|called|known as|whose name is) ${run},?`, ({ who }) => who!],
  [`\\b(?:Mr|Mrs|Ms|Dr|Prof)\\.? ${run}|\\bProfessor ${run.replace("name", "other")}`, () => "someone"],
  [
    `(?<before>^|[.!?]["”’]?\\s+|,? (?:and|while|as|when|then|but) )${run}(?= ${acts}\\b)`,
    ({ before }) => `${before}someone`,
  ],
];

/** Subjects that are no names. */
const common = new Set(
  "she he they it we i you someone somebody everyone everybody anyone nobody one another each both neither either this that these those there here who what now then later next man woman person boy girl child speaker presenter host narrator voice text caption screen sign poster message headline banner label note title subtitle".split(
    " ",
  ),
);

/** The made-up names of a text, in order, none inside another. */
export function inventedNames(text: string, given: ReadonlySet<string>): InventedName[] {
  const found = rules.flatMap(([pattern, instead]) =>
    [...text.matchAll(new RegExp(pattern, "gu"))].flatMap(({ 0: written, index, groups = {} }) => {
      const name = groups.name ?? groups.other!;
      const isKnown = wordsOf(name).some((one) => given.has(one) || common.has(one));
      return isKnown
        ? []
        : [{ name, at: index, written, instead: instead(groups as Record<string, string>) }];
    }),
  );
  return found
    .sort((a, b) => a.at - b.at)
    .filter((one, i, all) => all.slice(0, i).every((before) => before.at + before.written.length <= one.at));
}

/** The text without the names that it makes up. */
export function withoutInventedNames(text: string, given: ReadonlySet<string>): string {
  let repaired = "";
  let done = 0;
  for (const { at, written, instead } of inventedNames(text, given)) {
    const before = repaired + text.slice(done, at);
    const opens = /(^|[.!?]["”']?\s+)$/.test(before + instead.replace(/someone$/, ""));
    repaired = before + (opens ? instead.replace(/someone$/, "Someone") : instead);
    done = at + written.length;
  }
  return repaired + text.slice(done);
}
