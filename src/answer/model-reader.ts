/**
 * A reader that asks a model: rendered memory in, a cited answer or an abstention out.
 *
 * The prompt is our own and asks for what the paper's asks for: memory only, reason first, "not answerable" is allowed.
 * What the model writes is data: `parseReading` (`parse-reading.ts`) accepts it or says what is wrong. After a few
 * tries the reader abstains and gives the reason. An answer that cites no entry it was shown is not accepted, because
 * no one could check it. A model that cannot fill in a form is asked for a sentence where rules find no answer, and we find what the sentence
 * rests on.
 */
import { addCost, type Cost, type Model, noCost, type Sampling, type WordSpace } from "../engine.ts";
import { EngineError } from "../errors.ts";
import { countTokens } from "../util/count-tokens.ts";
import { answerInstructions, answerPrompt, answerSchema } from "./answer-form.ts";
import { fillsForms, probeForms } from "./form-probe.ts";
import { parseReading } from "./parse-reading.ts";
import { abstention, type Reader, type Reading, type ReadRequest } from "./reader.ts";
import { readInSentence } from "./sentence-reading.ts";

/** How a model reader asks its model. */
export interface ModelReaderOptions {
  /** Most tokens of rendered memory it is shown. @default 16000 */
  readonly tokenBudget?: number;
  /** How often it is asked before the reader abstains, from 1 up. @default 3 */
  readonly attempts?: number;
  /** Overrides the defaults: greedy at first, temperature 0.7 after an unusable answer; 2048 tokens at most. */
  readonly sampling?: Sampling;
  /**
   * Compares words, to find the line that a free sentence rests on. With it a model that fails at forms is asked for
   * sentences. @default none: every model is asked for a form
   */
  readonly words?: Pick<WordSpace, "stems">;
  /**
   * Answers before a model that cannot fill in forms, which is asked for a sentence where this declines: such a model reads,
   * and seldom tells what holds the answer from what does not. @default none
   */
  readonly rules?: Reader;
  /**
   * Whether it is a small model on this machine's processor, which takes a minute to fill in a form, and wrongly. `rules`
   * then answer before it in any case, and it is probed before it is first asked for a form. @default false: a model is
   * asked for a form, and probed where its answer raises a doubt
   */
  readonly isSmall?: boolean;
  /** The same model as it is probed, such as one that keeps its answers. @default the model */
  readonly probed?: Model;
}

/**
 * A reader that asks a model, which must cite the memories it answers from. Its `read` throws EngineError if the model
 * cannot be reached.
 */
export function modelReader(model: Model, options: ModelReaderOptions = {}): Reader {
  const { tokenBudget = 16_000, attempts = 3 } = options;
  if (!Number.isInteger(attempts) || attempts < 1)
    throw new RangeError(`Expected \`attempts\` to be an integer from 1 up, got ${attempts}`);
  return {
    id: `model@2:${model.id}`,
    tokenBudget,
    read: (request) => read(model, request, { ...options, attempts }),
  };
}

type Setup = ModelReaderOptions & { readonly attempts: number };

/** An answer in a form or, of a model that cannot fill one in, by rules and else in a sentence. */
async function read(model: Model, request: ReadRequest, setup: Setup): Promise<Reading> {
  const { words, rules, isSmall, probed = model } = setup;
  const before = isSmall ? await rules?.read(request) : undefined;
  if (before && !before.abstained) return before;
  let cost = noCost;
  if (words && isSmall) cost = (await probeForms(model, { probed, signal: request.signal })).cost;
  const form = (await fillsForms(model)) === false ? null : await readForm(model, request, setup);
  cost = addCost(cost, form?.cost ?? noCost);
  if (form?.reading) return { ...form.reading, cost };
  const ruled = before ?? (await rules?.read(request));
  if (ruled && !ruled.abstained) return { ...ruled, cost };
  const sentence = await readInSentence(model, request, words!, setup.sampling);
  // What rules say is missing tells more than that nothing was found.
  const reading = sentence.abstained && ruled ? ruled : sentence;
  return { ...reading, cost: addCost(cost, sentence.cost) };
}

/**
 * An answer in the form of `answerSchema`; no reading of a model that turns out not to fill in forms. That is looked into
 * only where it shows: at an unusable answer, an abstention, or an answer without a word of what it cites.
 */
async function readForm(
  model: Model,
  request: ReadRequest,
  { attempts, sampling: own, words, probed = model }: Setup,
): Promise<{ readonly reading: Omit<Reading, "cost"> | null; readonly cost: Cost }> {
  let shown = await sized(model, request);
  let cost = noCost;
  if (shown.ids.length === 0)
    return { reading: abstention("Memory holds nothing that could answer this."), cost };
  let wrong: string | null = null;
  for (let attempt = 0; attempt < attempts; attempt++) {
    // A second try at temperature 0 would repeat the first.
    const sampling = { temperature: attempt === 0 ? 0 : 0.7, maxTokens: 2048, ...own };
    const said = await ask(model, request, shown, { sampling, wrong });
    shown = said.shown;
    cost = addCost(cost, said.cost);
    const parsed = parseReading(said.text, request.question, shown.ids.length);
    const cited = parsed.ok ? parsed.reading.cited.map((number) => shown.ids[number - 1]!) : [];
    const reading = parsed.ok ? { ...parsed.reading, cited } : null;
    if (words && attempt === 0 && !(reading && isBorneOut(reading, request, words))) {
      const probe = await probeForms(model, { probed, signal: request.signal });
      cost = addCost(cost, probe.cost);
      if (!probe.fills) return { reading: null, cost };
    }
    if (parsed.ok) return { reading, cost };
    wrong = parsed.problem;
  }
  return { reading: abstention(`The model gave no usable answer in ${attempts} tries: ${wrong}.`), cost };
}

/** Whether an answer has a word of the entries it cites. */
function isBorneOut(
  { abstained, answer, cited }: Omit<Reading, "cost">,
  { recalled }: ReadRequest,
  words: Pick<WordSpace, "stems">,
): boolean {
  const texts = recalled.filter(({ entry }) => cited.includes(entry.id)).map(({ entry }) => entry.text);
  const there = new Set(words.stems(texts.join(" ")));
  return !abstained && words.stems(answer).some((stem) => there.has(stem));
}

/** Rendered memory, its entries numbered as they stand, from 1. */
interface Shown {
  readonly memory: string;
  /** Ids of the entries, by number. */
  readonly ids: readonly string[];
}

/** Gives the entries numbers for their ids: an id takes a model some ten tokens, and a small one copies it wrongly. */
function numbered(rendered: string, { recalled, floor = [] }: ReadRequest): Shown {
  const known = new Set([...recalled.map(({ entry }) => entry.id), ...floor.map(({ id }) => id)]);
  const ids: string[] = [];
  const memory = rendered.replace(/^\[([^\]\n]+)\]/gm, (bracket, id: string) =>
    known.has(id) ? `[${ids.push(id)}]` : bracket,
  );
  return { memory, ids };
}

/** A memory of more tokens is sized before it is sent: to ask a model what it takes can cost a small call. */
const longMemory = 2000;
/** Room for the answer in a model's context. */
const answerTokens = 800;
/** Longest that a model should compute a prompt before it answers, where its speed is known. */
const longestPromptSeconds = 60;

/** Memory as its model can take it: within its context, and read in about a minute, as far as it tells. */
async function sized(model: Model, request: ReadRequest): Promise<Shown> {
  const given = numbered(request.rendered, request);
  const memory = tokensOf(given.memory);
  if (memory <= longMemory || !request.render) return given;
  const { contextTokens } = await model.capabilities(request.signal);
  const promptPerSecond = model.speed?.().promptPerSecond ?? Number.POSITIVE_INFINITY;
  const around = tokensOf(answerInstructions + answerPrompt(request.question, "", null));
  const room = Math.min(
    (contextTokens ?? Number.POSITIVE_INFINITY) - answerTokens,
    longestPromptSeconds * promptPerSecond,
  );
  const share = (room - around) / memory;
  if (share >= 1) return given;
  const fewer = numbered(request.render(countTokens(given.memory) * Math.max(0.02, share)), request);
  return fewer.ids.length > 0 ? fewer : given;
}

/** Estimated tokens of a text. Many tokenisers make a token of each digit, and times are digits. */
function tokensOf(text: string): number {
  return countTokens(text) + (text.match(/\d/g)?.length ?? 0);
}

/**
 * One answer. Where memory is longer than the model's context, it is asked with fewer entries, the best-ranked, until
 * they fit.
 */
async function ask(
  model: Model,
  request: ReadRequest,
  given: Shown,
  { sampling, wrong }: { readonly sampling: Sampling; readonly wrong: string | null },
): Promise<{ readonly text: string; readonly shown: Shown; readonly cost: Cost }> {
  const { question, signal } = request;
  for (let shown = given; ; ) {
    const prompt = answerPrompt(question, shown.memory, wrong);
    try {
      const { completions, cost } = await model.generate({
        system: answerInstructions,
        parts: [{ type: "text", text: prompt }],
        sampling,
        schema: answerSchema(question, shown.ids.length),
        ...(signal && { signal }),
      });
      return { text: completions[0]?.text ?? "", shown, cost };
    } catch (error) {
      const fewer = isOverflow(error) ? fewerEntries(request, shown, prompt, error) : null;
      if (fewer === null) throw error;
      shown = fewer;
    }
  }
}

/** The best-ranked entries that fit a context which the shown ones overflow; `null` where fewer cannot be shown. */
function fewerEntries(
  request: ReadRequest,
  shown: Shown,
  prompt: string,
  { details }: EngineError,
): Shown | null {
  const { needed, available } = details as { needed?: number | null; available?: number | null };
  const tokens = countTokens(shown.memory);
  // Memory's part of the tokens needed, by our count; a tenth more than the excess is taken off it.
  const ofMemory = tokens / countTokens(answerInstructions + prompt);
  const kept = needed && available ? 1 - (1.1 * (needed - available)) / (needed * ofMemory) : 0.5;
  const rendered = request.render?.(tokens * Math.min(0.9, Math.max(0.1, kept)));
  if (rendered === undefined) return null;
  const fewer = numbered(rendered, request);
  return fewer.ids.length > 0 && fewer.ids.length < shown.ids.length ? fewer : null;
}

function isOverflow(error: unknown): error is EngineError {
  return error instanceof EngineError && error.code === "context-overflow";
}
