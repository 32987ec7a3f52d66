/**
 * Prompt templates: the words around what a memory prompt shows, with named places for what differs from clip to clip.
 *
 * The text of a template has parts, each behind a line of its own: `=== system ===`, `=== system without pictures ===` and
 * `=== user ===`. Only the last is needed. What stands before the first of them is a comment. A place is a name in braces, as `{stream}`; `{{stream}}` stands for the word in
 * braces itself. A paragraph with a place that has nothing to say is left out.
 */
import type { Part } from "../engine.ts";
import { ConfigError } from "../errors.ts";

/** A prompt with places. The system part has none: it is the same for every clip, and a server computes it once. */
export interface PromptTemplate {
  readonly system: string;
  /** Instead of `system` where the window shows no pictures. @default `system` */
  readonly systemWithoutPictures?: string;
  readonly user: string;
}

/** The places of the user part that hold text, and what each is filled with. */
export const textPlaces = {
  start: "the moment at which the clip starts, HH:MM:SS",
  end: "the moment at which it ends",
  earlier: "the memories of the window's earlier clips, oldest first, between <earlier> tags",
  earlier_text: "the same memories as running text, without tags; empty where there are none",
  known: "what is already known from those clips, between <known> tags (with --semantic)",
  people: "the people recognised in the clip, between <people> tags; empty where there are none",
  tag_rule: "how people are referred to who have a tag but no name; empty where there are none",
  stream: "what was heard and read in the window, with times, between <stream> tags",
  unpainted:
    "as {stream}, without the speech that is painted on the pictures (with --overlay); empty where that is all",
  supplement: "a further requirement, such as recent questions; empty where there is none",
  answer: "the last answer, if it could not be used, between <your_answer> tags; otherwise empty",
  problem: "what was wrong with the last answer; otherwise empty",
} as const;

/** The places of the user part that hold pictures. */
export const picturePlaces = {
  pictures: "the pictures of the window, each clip's behind a line that says their moments",
  video: "the pictures of the window as one video, without such lines",
} as const;

/** A place that holds text. */
export type TextPlace = keyof typeof textPlaces;
/** A place that holds pictures. */
export type PicturePlace = keyof typeof picturePlaces;

/** What the places of a template are filled with in one prompt. */
export type PlaceValues = Readonly<Record<TextPlace, string> & Record<PicturePlace, readonly Part[]>>;

/** The user part of a template with its places filled, in reading order. */
export function renderTemplate({ user }: PromptTemplate, values: PlaceValues): Part[] {
  const parts = paragraphsOf(user).flatMap((paragraph): readonly Part[] => {
    const names = placesIn(paragraph).map(({ name }) => name);
    const shown = names.find((name) => name in picturePlaces);
    if (shown !== undefined) return values[shown as PicturePlace];
    if (names.some((name) => values[name as TextPlace] === "")) return [];
    const text = paragraph.replace(placePattern, (_, literal, name) =>
      literal === undefined ? values[name as TextPlace] : `{${literal}}`,
    );
    return [{ type: "text", text }];
  });
  return joinTexts(parts);
}

/** Joins neighbouring texts into one, as paragraphs. */
export function joinTexts(parts: readonly Part[]): Part[] {
  const joined: Part[] = [];
  for (const part of parts) {
    const last = joined.at(-1);
    if (part.type === "text" && last?.type === "text")
      joined.splice(-1, 1, { type: "text", text: `${last.text}\n\n${part.text}` });
    else joined.push(part);
  }
  return joined;
}

/** The text of a template, which `parsePromptTemplate` reads back, with its places explained at the top. */
export function printPromptTemplate(template: PromptTemplate): string {
  const { system, systemWithoutPictures, user } = template;
  const other =
    systemWithoutPictures === undefined
      ? ""
      : `=== system without pictures ===\n${systemWithoutPictures}\n\n`;
  const places = Object.entries({ ...textPlaces, ...picturePlaces });
  const explained = places.map(([name, holds]) => `  {${name}}: ${holds}`).join("\n");
  return `A prompt template of TaskMem. What stands above the first === line is a comment.
Places of the user part:
${explained}
A paragraph with a place that is empty is left out. {pictures} and {video} stand alone in their paragraph.
Double the braces of a word that is no place. The answer is one JSON object with "description".

=== system ===
${system}

${other}=== user ===
${user}
`;
}

/**
 * Reads the text of a template.
 * @param name of the file, for the error
 * @param semantic whether knowledge is asked for too
 * @throws ConfigError `prompt-template-invalid`, which names every wrong or missing place with its line
 */
export function parsePromptTemplate(text: string, name: string, semantic = false): PromptTemplate {
  const parts = partsOf(text);
  const issues = [...headIssues(parts), ...parts.flatMap((part) => placeIssues(part, semantic))];
  if (issues.length > 0)
    throw new ConfigError(
      "prompt-template-invalid",
      `Expected a prompt template in ${name}, got ${issues.length} wrong:\n${issues.map((issue) => `  ${issue}`).join("\n")}\n\`taskmem prompt\` prints a template to start from.`,
    );
  const textOf = (wanted: string) => parts.find(({ head }) => head === wanted)?.text.trim();
  const withoutPictures = textOf("system without pictures");
  return {
    system: textOf("system") ?? "",
    ...(withoutPictures !== undefined && { systemWithoutPictures: withoutPictures }),
    user: textOf("user")!,
  };
}

/** A part of a template's text. */
interface TemplatePart {
  readonly head: string;
  /** Number of its head line, from 1. */
  readonly line: number;
  /** What follows the head line. */
  readonly text: string;
}

function partsOf(text: string): TemplatePart[] {
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  const heads = lines.flatMap((line, at) => {
    const head = /^=== *(.*?) *===$/.exec(line.trim())?.[1];
    return head === undefined ? [] : [{ head, at }];
  });
  return heads.map(({ head, at }, i) => ({
    head,
    line: at + 1,
    text: lines.slice(at + 1, heads[i + 1]?.at).join("\n"),
  }));
}

/** A name in braces, or in doubled braces where it is no place. */
const placePattern = /\{\{([a-z_]+)\}\}|\{([a-z_]+)\}/g;

function placesIn(text: string): { name: string; at: number }[] {
  return [...text.matchAll(placePattern)].flatMap(({ 2: name, index }) =>
    name === undefined ? [] : [{ name, at: index }],
  );
}

function paragraphsOf(text: string): string[] {
  return text.split(/\n(?:[ \t]*\n)+/);
}

function headIssues(parts: readonly TemplatePart[]): string[] {
  const heads = parts.map(({ head }) => head);
  const known = ["system", "system without pictures", "user"];
  return [
    ...parts
      .filter(({ head }, i) => !known.includes(head) || heads.indexOf(head) < i)
      .map(
        ({ head, line }) => `line ${line}: expected each of the parts ${known.join(", ")} once, got ${head}`,
      ),
    ...(heads.includes("user") ? [] : ["the part === user === is missing"]),
  ];
}

/** What is wrong with the places of a part. */
function placeIssues({ head, line, text }: TemplatePart, semantic: boolean): string[] {
  const places = placesIn(text).map(({ name, at }) => ({
    name,
    where: `line ${line + text.slice(0, at).split("\n").length}: {${name}}`,
  }));
  if (head !== "user")
    return places.map(
      ({ where }) =>
        `${where} stands in the system part, which is the same for every clip: move it to the user part`,
    );
  const known = [...Object.keys(textPlaces), ...Object.keys(picturePlaces)];
  const names = places.map(({ name }) => name);
  const inText = paragraphsOf(text)
    .filter((paragraph) => !/^\{\w+\}$/.test(paragraph.trim()))
    .flatMap((paragraph) => placesIn(paragraph).map(({ name }) => name));
  const pictures = places.filter(({ name }) => name in picturePlaces);
  return [
    ...places
      .filter(({ name }) => !known.includes(name))
      .map(
        ({ name, where }) =>
          `${where} is no place; there are ${known.map((one) => `{${one}}`).join(", ")}. Write {{${name}}} for the word in braces`,
      ),
    ...neededPlaces(semantic)
      .filter((either) => !either.some((name) => names.includes(name)))
      .map((either) => `line ${line}: this part needs ${either.map((name) => `{${name}}`).join(" or ")}`),
    ...pictures.slice(1).map(({ where }) => `${where} shows the pictures a second time`),
    ...pictures
      .filter(({ name }) => inText.includes(name))
      .map(({ where }) => `${where} needs a paragraph of its own, with a blank line before and after it`),
  ];
}

/** Of each row one place is needed: without it something that is there would be lost. */
function neededPlaces(semantic: boolean): readonly (readonly (TextPlace | PicturePlace)[])[] {
  return [
    ["earlier", "earlier_text"],
    ["stream", "unpainted"],
    ["pictures", "video"],
    ["supplement"],
    ...(semantic ? [["known"] as const] : []),
  ];
}
