/**
 * What a memory is worth for a kind, by judges that read text alone.
 *
 * - **Relevant**, by a sentence encoder: its mean cosine to the two nearest of five questions that no lesson saw is at least
 *   what a quarter of the lines of the kind's windows of training days reach. By the encoder that judged in the lessons, and by
 *   one of another family where there is one.
 * - **True**, by a mechanical judge: the library's judge without a model finds nearly all of its words, each name and
 *   each number in the clip, and it repeats neither a question nor the prompt.
 * - **Of the kind**, mechanically: it holds a word of the kind, or one that stands in no question.
 */
import type { Embedder } from "../../src/engine.ts";
import { wordSpace } from "../../src/engines/local/index.ts";
import { localJudge } from "../../src/reward/index.ts";
import { repeatedQuestion } from "../../src/reward/repeats-question.ts";
import { ownLines } from "../../src/training/own-lines.ts";
import { isRepetitive } from "../../src/util/repetition.ts";
import { lineContext, wording } from "./copying-policy.ts";
import { type Kind, kinds, speaksOf, wordsOf } from "./kinds.ts";
import type { Written } from "./results.ts";
import type { Window } from "./windows.ts";

/** What is told of one memory, 0 or 1 but for its tokens. */
export interface Measured {
  readonly tokens: number;
  readonly true: number;
  /** By kind, and by the second encoder; 0 without one. */
  readonly relevant: Readonly<Record<string, number>>;
  readonly second: Readonly<Record<string, number>>;
  /** By kind: how near the first encoder finds it to the questions of the lesson. */
  readonly taught: Readonly<Record<string, number>>;
  /** By kind: a word of it, and one that stands in no question. */
  readonly word: Readonly<Record<string, number>>;
  readonly unasked: Readonly<Record<string, number>>;
  /** How it failed, or that it is a line of the clip as it stands. */
  readonly endless: number;
  readonly loops: number;
  readonly asks: number;
  readonly copiesPrompt: number;
  readonly isLine: number;
}

const questions = kinds.flatMap(({ taught, unseen }) => [...taught, ...unseen]);
const judge = localJudge({ words: wordSpace });

/** The nearness by kind that makes a memory relevant, by each encoder. */
export type Limits = readonly Readonly<Record<string, number>>[];

/** Judges memories by one encoder, or by two. */
export class Measures {
  readonly #encoders: readonly Encoder[];

  /** @param embedders the one that judged in lessons, and perhaps a second */
  constructor(embedders: readonly Embedder[]) {
    this.#encoders = embedders.map((one) => new Encoder(one));
  }

  /** Whether there is a second encoder. */
  get hasSecond(): boolean {
    return this.#encoders.length > 1;
  }

  /** The nearness that a quarter of a kind's texts reach; none reaches that of a kind without texts. */
  limits(texts: Readonly<Record<string, readonly string[]>>): Promise<Limits> {
    return Promise.all(this.#encoders.map((encoder) => encoder.limits(texts)));
  }

  async measure(window: Window, written: readonly Written[], limits: Limits): Promise<Measured[]> {
    const texts = written.map(({ text }) => text);
    const near = await Promise.all(this.#encoders.map((encoder) => encoder.byKind(texts)));
    const taught = await this.#encoders[0]!.byKind(texts, "taught");
    const lines = new Set(ownLines(window.observation).flatMap((line) => [plain(line), plain(told(line))]));
    const context = lineContext(window.observation);
    return Promise.all(
      written.map(async ({ text, tokens, ended }, i) => {
        const asks = repeatedQuestion(text, context, questions) !== null;
        const copiesPrompt = plain(text) === "" || plain(wording).includes(plain(text));
        const verdict = await judge.quality({ context, memory: text });
        const isSound = verdict.ok && verdict.value.correct && verdict.value.clean;
        const of = (value: (kind: Kind) => boolean) =>
          Object.fromEntries(kinds.map((kind) => [kind.name, Number(value(kind))]));
        const relevantBy = (encoder: number) =>
          of(
            ({ name }) =>
              (near[encoder]?.[name]?.[i] ?? -1) >= (limits[encoder]?.[name] ?? Number.POSITIVE_INFINITY),
          );
        return {
          tokens,
          true: Number(isSound && ended && !asks && !copiesPrompt),
          relevant: relevantBy(0),
          second: relevantBy(1),
          taught: Object.fromEntries(kinds.map(({ name }) => [name, taught[name]![i]!])),
          word: of(({ words }) => speaksOf(text, words)),
          unasked: of(({ unasked }) => speaksOf(text, unasked)),
          endless: Number(!ended),
          loops: Number(isRepetitive(text)),
          asks: Number(asks),
          copiesPrompt: Number(copiesPrompt),
          isLine: Number(lines.has(plain(text))),
        };
      }),
    );
  }
}

/** Nearness by one encoder; vectors of texts that were seen are kept. */
class Encoder {
  readonly #embedder: Embedder;
  readonly #vectors = new Map<string, Float32Array>();

  constructor(embedder: Embedder) {
    this.#embedder = embedder;
  }

  /** How near texts are to each kind: the mean cosine to the two nearest of its questions, shape [texts]. */
  async byKind(
    texts: readonly string[],
    questions: "taught" | "unseen" = "unseen",
  ): Promise<Record<string, number[]>> {
    await this.#read([...texts, ...kinds.flatMap((kind) => kind[questions].map(({ text }) => text))]);
    const nearness = (text: string, kind: Kind) => {
      const own = this.#vectors.get(text)!;
      const cosines = kind[questions].map((question) => dot(this.#vectors.get(question.text)!, own));
      const [first, second] = cosines.sort((a, b) => b - a);
      return (first! + second!) / 2;
    };
    return Object.fromEntries(kinds.map((kind) => [kind.name, texts.map((text) => nearness(text, kind))]));
  }

  async limits(texts: Readonly<Record<string, readonly string[]>>): Promise<Record<string, number>> {
    const limits: Record<string, number> = {};
    for (const { name } of kinds) {
      const near = (await this.byKind(texts[name] ?? []))[name]!.sort((a, b) => a - b);
      limits[name] = near[Math.floor(0.75 * near.length)] ?? Number.POSITIVE_INFINITY;
    }
    return limits;
  }

  async #read(texts: readonly string[]): Promise<void> {
    const missing = [...new Set(texts)].filter((text) => !this.#vectors.has(text));
    if (missing.length === 0) return;
    const made = await this.#embedder.embed(missing);
    for (const [i, text] of missing.entries()) this.#vectors.set(text, made[i]!);
  }
}

const plain = (text: string) => wordsOf(text).join(" ");
/** A line without its speaker. */
const told = (line: string) => line.replace(/^.{1,40} says: /, "");

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (const [d, value] of a.entries()) sum += value * b[d]!;
  return sum;
}
