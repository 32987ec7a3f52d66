/**
 * Identity tags: how a written memory refers to people whom perception tells apart but cannot name, `<face_3>`.
 *
 * A tag is the id of a person between angle brackets, exactly. The rules follow the paper, with word boundaries added, so
 * that `the Surface 3 tablet` is no tag. A tag of a person who was not seen is never kept: it would later be taken for
 * someone else. Speakers whom the source names are called by that name and need no tag.
 */
import { givenWords, inventedNames, withoutInventedNames } from "./invented-names.ts";
import type { Context, Issue } from "./policy.ts";
import { isKnownByVoice } from "./window-people.ts";

/** Whom a text may refer to. */
export interface KnownPeople {
  /** Ids, as identity perceptors give them. */
  readonly ids: readonly string[];
  /** Names the source gives its speakers. */
  readonly speakers: readonly string[];
  /** Words that people may be called by. @default any: names are not checked */
  readonly words?: ReadonlySet<string>;
}

/**
 * The people whom the clips of a context show or let speak, and whom its memories mention. Names are checked where people
 * are known by their faces: then who they are called is known too, or no one knows it.
 */
export function knownPeople(context: Context): KnownPeople {
  const { observations, recent, tags = [] } = context;
  const seen = [...recent.observations, ...observations];
  const speakers = seen.flatMap(({ speech, captions }) =>
    [...speech, ...captions].map(({ speaker }) => speaker),
  );
  return {
    ids: [
      ...new Set([
        ...seen.flatMap(({ people }) => people.map(({ id }) => id)),
        ...tags.map(({ tag }) => tag),
      ]),
    ],
    speakers: [...new Set(speakers.filter((name) => name !== null).filter((name) => !isKnownByVoice(name)))],
    ...(tags.length > 0 && { words: givenWords(context) }),
  };
}

/** The tag of a person: `face_3` → `<face_3>`. */
export function tagOf(id: string): string {
  return `<${id}>`;
}

/** Ids of the known people a text tags, each once, in order of appearance. Only exact tags count. */
export function taggedIds(text: string, known: KnownPeople): string[] {
  const exact = tagsIn(text, known).filter(({ written, meant }) => written === meant);
  const ids = new Set(known.ids);
  return [...new Set(exact.map(({ written }) => written.slice(1, -1)))].filter((id) => ids.has(id));
}

/**
 * What is wrong with how a text calls people, one issue for each: `tag-malformed`, `tag-unknown`, and `tag-name` for a name
 * that nothing gives.
 */
export function tagIssues(text: string, known: KnownPeople): Issue[] {
  const names = known.words === undefined ? [] : inventedNames(text, known.words);
  return [
    ...wrongTags(text, known),
    ...names.map(({ name }) => ({
      code: "tag-name",
      message: `the answer called somebody ${name}, a name that nothing in the clip gives`,
    })),
  ];
}

function wrongTags(text: string, known: KnownPeople): Issue[] {
  return tagsIn(text, known)
    .filter(({ written, meant }) => written !== meant)
    .map(({ written, form }) =>
      form === "exact"
        ? { code: "tag-unknown", message: `the answer named ${written}, who is not among the people listed` }
        : {
            code: "tag-malformed",
            message: `the answer wrote ${written} where tags are written like <face_1>`,
          },
    );
}

/**
 * The text with the tags of known people corrected and all other tags, and made-up names, replaced by "someone". Words that
 * only might be a tag (`face 3 people`) stay as they are.
 */
export function repairTags(text: string, known: KnownPeople): string {
  const repaired = withKnownTags(text, known);
  return known.words === undefined ? repaired : withoutInventedNames(repaired, known.words);
}

function withKnownTags(text: string, known: KnownPeople): string {
  let repaired = "";
  let done = 0;
  for (const { at, written, form, meant } of tagsIn(text, known)) {
    const before = text.slice(0, at);
    const someone = /(^|[.!?]["”']?\s+)$/.test(before) ? "Someone" : "someone";
    repaired += text.slice(done, at) + (meant ?? (form === "words" ? written : someone));
    done = at + written.length;
  }
  return repaired + text.slice(done);
}

interface Tag {
  readonly at: number;
  readonly written: string;
  /** `exact`: `<face_3>`; `loose`: `[Face_3]`, `face_3`, `<face>`; `words`: `face 3`, which may be plain speech. */
  readonly form: "exact" | "loose" | "words";
  /** How it should read: a known person's tag or a speaker's name; `null` where no known person fits. */
  readonly meant: string | null;
}

/** Everything in a text that is a tag or looks like one, in order. */
function tagsIn(text: string, { ids, speakers }: KnownPeople): Tag[] {
  const people = new Map([
    ...speakers.map((name) => [name.toLowerCase(), name] as const),
    ...ids.map((id) => [id.toLowerCase(), tagOf(id)] as const),
  ]);
  return [...text.matchAll(tagPattern(ids))].map(({ 0: written, index, groups = {} }) => {
    const { word = groups.bareWord, number = groups.bareNumber, other = groups.label } = groups;
    const id = (other ?? `${word}_${number}`).toLowerCase();
    const isSpaced = groups.bareWord !== undefined && /^\p{L}+ *\d+$/u.test(written);
    return {
      at: index,
      written,
      form: other !== undefined || written === tagOf(id) ? "exact" : isSpaced ? "words" : "loose",
      meant: people.get(id) ?? people.get(written.toLowerCase()) ?? null,
    };
  });
}

/**
 * Numbered tags in any bracket or none, `<face>` without a number, and any other `<id>`.
 *
 * The words that make a bare `face 3` a tag are "face" and those the known ids are made of.
 */
function tagPattern(ids: readonly string[]): RegExp {
  const words = ids.flatMap((id) => /^(\p{L}+)_\d+$/u.exec(id)?.[1]?.toLowerCase() ?? []);
  const word = [...new Set(["face", ...words])].join("|");
  const left = "(?<![\\p{L}\\p{N}_])";
  const right = "(?![\\p{L}\\p{N}_]|[.,]\\d)";
  const others = ["\\p{L}+_\\d+", ...ids.map(escapePattern)].join("|");
  return new RegExp(
    [
      `[<([] *(?<word>${word})[ _]*(?<number>\\d+) *[>)\\]]`,
      // A memory would take it for one of its people.
      "\\[(?<label>person_\\d+)\\]",
      `<?${left}(?<bareWord>${word})[ _]*(?<bareNumber>\\d+)${right}>?`,
      `<(?:${word})>`,
      `<(?<other>${others})>`,
    ].join("|"),
    "giu",
  );
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
