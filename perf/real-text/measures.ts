/**
 * What a memory is worth for a kind, by judges that read text alone.
 *
 * - **Relevant**, by a sentence encoder: its mean cosine to the two nearest of five questions that no lesson saw is at least
 *   what a quarter of the model's own memories of training days reach.
 * - **True**, by a mechanical judge: the library's judge without a model finds nearly all of its words, each name and
 *   each number in the clip, and it repeats neither a question nor the prompt.
 * - **Of the kind**, mechanically: it holds a word of the kind that stands in no question.
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
  /** By kind. */
  readonly relevant: Readonly<Record<string, number>>;
  readonly word: Readonly<Record<string, number>>;
  /** How it failed, or that it is a line of the clip as it stands. */
  readonly endless: number;
  readonly loops: number;
  readonly asks: number;
  readonly copiesPrompt: number;
  readonly isLine: number;
}

const questions = kinds.flatMap(({ taught, unseen }) => [...taught, ...unseen]);
const judge = localJudge({ words: wordSpace });

/** Judges memories; vectors of texts that were seen are kept. */
export class Measures {
  readonly #embedder: Embedder;
  readonly #vectors = new Map<string, Float32Array>();

  constructor(embedder: Embedder) {
    this.#embedder = embedder;
  }

  /** How near a text is to a kind: its mean cosine to the two nearest unseen questions, shape [texts]. */
  async nearness(texts: readonly string[], { unseen }: Kind): Promise<number[]> {
    await this.#read([...texts, ...unseen.map(({ text }) => text)]);
    const asked = unseen.map(({ text }) => this.#vectors.get(text)!);
    return texts.map((text) => {
      const own = this.#vectors.get(text)!;
      const [first, second] = asked.map((one) => dot(one, own)).sort((a, b) => b - a);
      return (first! + second!) / 2;
    });
  }

  /** The nearness that a quarter of some texts reach, by kind. */
  async limits(texts: readonly string[]): Promise<Record<string, number>> {
    const limits: Record<string, number> = {};
    for (const kind of kinds) {
      const sorted = (await this.nearness(texts, kind)).sort((a, b) => a - b);
      limits[kind.name] = sorted[Math.floor(0.75 * sorted.length)]!;
    }
    return limits;
  }

  async measure(
    window: Window,
    written: readonly Written[],
    limits: Readonly<Record<string, number>>,
  ): Promise<Measured[]> {
    const near = new Map<string, number[]>();
    for (const kind of kinds)
      near.set(
        kind.name,
        await this.nearness(
          written.map(({ text }) => text),
          kind,
        ),
      );
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
        return {
          tokens,
          true: Number(isSound && ended && !asks && !copiesPrompt),
          relevant: of(({ name }) => near.get(name)![i]! >= limits[name]!),
          word: of(({ unasked }) => speaksOf(text, unasked)),
          endless: Number(!ended),
          loops: Number(isRepetitive(text)),
          asks: Number(asks),
          copiesPrompt: Number(copiesPrompt),
          isLine: Number(lines.has(plain(text))),
        };
      }),
    );
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
