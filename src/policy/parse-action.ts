/**
 * What a model wrote for a clip, read as an action: strictly, as training scores it, or leniently, as acting takes it.
 *
 * Both return the same data and throw for no string. The strict reading changes nothing and names every departure from
 * the contract. The lenient one takes the JSON out of fences and prose, repairs it, accepts plain sentences and corrects
 * tags. Its issues are what it could not repair; such a text must not be stored. A text that was cut off
 * cannot be repaired: half a sentence would be kept as if it were whole. Nor can one that repeats itself, a memory
 * before it or the prompt: what the model meant to say is not in it.
 */
import { jsonrepair } from "jsonrepair";
import { isRepetitive, saysTheSame } from "../util/repetition.ts";
import { type KnownPeople, repairTags, tagIssues } from "./identity-tags.ts";
import type { Issue } from "./policy.ts";

/** What the text has to satisfy. */
export interface ActionContract {
  readonly known: KnownPeople;
  /** Whether `knowledge` is asked for beside `description`. */
  readonly semantic: boolean;
  readonly countTokens: (text: string) => number;
}

/** What the lenient reading compares a text with. */
export interface Asked {
  /** The memories that the model was shown. */
  readonly memories: readonly string[];
  /** The prompt without its records: what is asked, not what it is asked about. */
  readonly wording: string;
  /** Whether a text that repeats itself or a memory is accepted. */
  readonly mayRepeat: boolean;
  /** Whether the model was told that it may leave the description empty. */
  readonly mayBeEmpty: boolean;
}

/** A text as it was read, with what is wrong with it. */
export interface ParsedAction {
  /** What happened, on one line; empty where there are issues with it, or where nothing is new. */
  readonly description: string;
  /** What is known from it, one self-contained sentence each. */
  readonly knowledge: readonly string[];
  readonly issues: readonly Issue[];
}

/** Longest text on contract in tokens, as in the paper's reward. */
export const longestText = 150;
/** The same in characters, for schemas: no language writes so many tokens shorter. */
export const longestTextCharacters = 8 * longestText;
/** Most items of `knowledge` on contract. */
export const mostKnowledge = 8;
/** Beyond this many tokens a model runs on; the lenient reading does not accept the text either. */
const longestTakenText = 400;
/** Characters of an answer that are read; no answer on contract comes near. */
const mostCharacters = 20_000;

/** The strict reading: one JSON object, in a code fence or none, with exactly the keys asked for. */
export function parseStrictly(text: string, contract: ActionContract): ParsedAction {
  const fenced = /^```(?:json)?\s*\n([\s\S]*?)\n?```$/.exec(text.trim())?.[1];
  const fields = readJson(() => fenced ?? text);
  if (!isRecord(fields)) return failed(notTheObject);
  const { description, knowledge = [] } = fields;
  const keys = contract.semantic ? ["description", "knowledge"] : ["description"];
  const rightKeys = Object.keys(fields).sort().join() === keys.join();
  if (!rightKeys || typeof description !== "string" || !isTexts(knowledge)) {
    return failed({
      code: "wrong-schema",
      message: `the answer was not an object with just ${keys.join(" and ")}`,
    });
  }
  const texts = [description, ...knowledge];
  const issues = [
    ...texts.filter((one) => one.trim() === "").map(() => emptyText),
    ...texts.flatMap((one) => tooLong(one, longestText, contract)),
    ...(knowledge.length > mostKnowledge ? [tooMany(knowledge)] : []),
    ...texts.flatMap((one) => tagIssues(one, contract.known)),
  ];
  return { description, knowledge, issues };
}

/**
 * The lenient reading: everything usable in a text.
 * @param isCut whether the engine says that the text stopped at its length limit
 * @param asked what the model was shown and told; without it the text is not compared with that
 */
export function parseLeniently(
  text: string,
  contract: ActionContract,
  isCut = false,
  asked: Asked = nothingAsked,
): ParsedAction {
  const answer = withoutThinking(text).slice(0, mostCharacters).trim();
  if (answer === "") return failed(isCut ? cutOff : emptyText);
  const read = readObject(answer, contract) ?? readSentences(answer);
  if ("code" in read) return failed(read);
  const [description, ...knowledge] = [read.description, ...read.knowledge].map((one) =>
    repairTags(oneLine(one), contract.known),
  );
  if (description === "" && asked.mayBeEmpty) return { description, knowledge: [], issues: [] };
  if (!description || !/\p{L}/u.test(description)) return failed(emptyText);
  const lacksItsEnd =
    read.form === "repaired" && !answer.includes("}") && !/[.!?…。！？]["'”’]?$/.test(description);
  if ((isCut && read.form !== "json") || lacksItsEnd) return failed(cutOff);
  if (refusal.test(description)) return failed(refused);
  const kept = contract.semantic
    ? [...new Set(knowledge)].filter((one) => /\p{L}/u.test(one) && !isShown(one, asked))
    : [];
  const repeated = repetition([description, ...kept], asked);
  if (repeated) return failed(repeated);
  const issues = [
    ...[description, ...kept].flatMap((one) => tooLong(one, longestTakenText, contract)),
    ...(kept.length > 2 * mostKnowledge ? [tooMany(kept)] : []),
  ];
  return issues.length > 0 ? failed(...issues) : { description, knowledge: kept, issues: [] };
}

const emptyText: Issue = { code: "empty-text", message: "the answer held no description" };
const cutOff: Issue = { code: "cut-off", message: "the answer was cut off before its end" };
const notTheObject: Issue = { code: "not-json", message: "the answer was not the JSON object asked for" };
const refused: Issue = { code: "refused", message: "the answer declined to describe the clip" };
const nothingAsked: Asked = { memories: [], wording: "", mayRepeat: false, mayBeEmpty: false };
/** Repetition in the text itself. */
export const repeatsItself: Issue = {
  code: "repeats-itself",
  message: "the answer said the same again and again; say each thing once",
};
const repeatsPrompt: Issue = {
  code: "repeats-prompt",
  message: "the answer held words of the request instead of what happens in the clip",
};
/** A scene that does not change is told once: the way out of it is an empty description. */
export const repeatsMemory: Issue = {
  code: "repeats-memory",
  message:
    "the answer said again what was written before; write what is new in this clip, or leave the description empty if nothing is new",
};
const declined =
  "(?:help|assist|comply|describe|identify|provide|see|view|watch|access|process|continue|do that)";
const refusal = new RegExp(
  `^(?:i['’]?m|i am) (?:sorry|unable|not able)\\b|^sorry, (?:but )?i\\b|^as an ai\\b|^i (?:cannot|can['’]?t|can not|won['’]?t) ${declined}`,
  "i",
);

function failed(...issues: Issue[]): ParsedAction {
  return { description: "", knowledge: [], issues };
}

function tooLong(text: string, most: number, { countTokens }: ActionContract): Issue[] {
  const tokens = countTokens(text);
  return tokens <= most
    ? []
    : [
        {
          code: "too-long",
          message: `the answer held a text of ${tokens} tokens where ${longestText} are the most`,
        },
      ];
}

function tooMany(knowledge: readonly string[]): Issue {
  return {
    code: "too-many",
    message: `the answer listed ${knowledge.length} things known where ${mostKnowledge} are the most`,
  };
}

/** What the texts of an answer, its description first, repeat. */
function repetition(texts: readonly string[], asked: Asked): Issue | null {
  const [description] = texts as [string];
  if (isWording(description, asked)) return repeatsPrompt;
  if (asked.mayRepeat) return null;
  if (texts.some(isRepetitive)) return repeatsItself;
  return isShown(description, asked) ? repeatsMemory : null;
}

function isShown(text: string, { memories }: Asked): boolean {
  return memories.some((memory) => saysTheSame(text, memory));
}

/** Whether every sentence of a text stands in the wording of the prompt, word for word. */
function isWording(text: string, { wording }: Asked): boolean {
  const asked = ` ${wordsOf(wording)} `;
  const sentences = text
    .split(/[.!?\n]+/)
    .map(wordsOf)
    .filter((sentence) => sentence !== "");
  return sentences.every((sentence) => asked.includes(` ${sentence} `));
}

const wordsOf = (text: string) =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, " ")
    .trim();

/** What follows the last closing thinking tag; nothing where thinking never ended. */
export function withoutThinking(text: string): string {
  const end = text.lastIndexOf("</think>");
  if (end >= 0) return text.slice(end + "</think>".length);
  return /^\s*<think>/.test(text) ? "" : text;
}

interface Read {
  /** How it was found: as it should be, after repair, or as sentences without JSON. */
  readonly form: "json" | "repaired" | "sentences";
  readonly description: string;
  readonly knowledge: readonly string[];
}

/** The object with a description in a text; an issue where its values are not texts; `null` where there is none. */
function readObject(answer: string, { semantic }: ActionContract): Read | Issue | null {
  const starts = [...answer.matchAll(/["'“]?description["'”]?\s*:/gi)].map(({ index }) =>
    answer.lastIndexOf("{", index),
  );
  for (const start of [...new Set(starts)].filter((at) => at >= 0).slice(0, 4)) {
    const whole = answer.slice(start);
    const upToLastBrace = whole.slice(0, whole.lastIndexOf("}") + 1) || whole;
    const upToFence = whole.split("```")[0]!;
    const ways = [
      () => upToLastBrace,
      () => upToFence,
      () => jsonrepair(upToLastBrace),
      () => jsonrepair(upToFence),
    ];
    for (const [i, way] of ways.entries()) {
      const value = readJson(way);
      const object = Array.isArray(value) ? value.find(isRecord) : value;
      if (!isRecord(object)) continue;
      const description = fieldOf(object, "description");
      if (description === undefined) continue;
      if (typeof description !== "string") {
        return { code: "wrong-schema", message: "the answer's description was not a text" };
      }
      const knowledge = semantic ? textsOf(fieldOf(object, "knowledge")) : [];
      return { form: i < 2 ? "json" : "repaired", description, knowledge };
    }
  }
  return null;
}

/** A description without JSON: sentences, perhaps in a fence, after a label or a line such as "Here it is:". */
function readSentences(answer: string): Read | Issue {
  const sentences = answer
    .replace(/^```\w*\s*|\s*```$/g, "")
    .replace(/^(?:here|sure|certainly|okay|ok)\b[^\n]*:\s*\n/i, "")
    .replace(/^[\s*_#]*description[\s*_]*:[\s*_]*/i, "")
    .replace(/^"([\s\S]*)"$/, "$1")
    .trim();
  if (/^[{[]|\{\s*["'}]/.test(sentences)) return notTheObject;
  return { form: "sentences", description: sentences, knowledge: [] };
}

/** The parsed value, or `undefined` where it does not parse. */
function readJson(text: () => string): unknown {
  try {
    return JSON.parse(text());
  } catch {
    return undefined;
  }
}

function fieldOf(object: Record<string, unknown>, key: string): unknown {
  return Object.entries(object).find(([name]) => name.trim().toLowerCase() === key)?.[1];
}

/** The texts of a list, or of a text with one item a line. */
function textsOf(value: unknown): string[] {
  const items = Array.isArray(value) ? value : typeof value === "string" ? value.split("\n") : [];
  return items
    .filter((item) => typeof item === "string")
    .map((item) => item.replace(/^\s*(?:[-*•]|\d+[.)])\s+/, ""));
}

/** White space as single blanks, nothing that cannot be printed or stored. */
function oneLine(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\s\p{Cc}]+/gu, " ")
    .trim();
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
