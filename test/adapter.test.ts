/**
 * An adapter's round trip, on the choice policy and on nano: what is saved is what acts, nothing is left when it is
 * removed, and an adapter of something else is refused.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import type { Adapter, VectorAdapter } from "../src/adapter/adapter.ts";
import {
  type AdapterRecord,
  type AdapterTarget,
  adapterText,
  loadAdapter,
  parseAdapter,
  saveAdapter,
} from "../src/adapter/adapter-file.ts";
import { createAdapter, scaleAdapter, type Weight, withRevision } from "../src/adapter/arithmetic.ts";
import { wordSpace } from "../src/engines/local/index.ts";
import { Decoder } from "../src/engines/nano/decode.ts";
import { NanoModel, readNano, vectorOf } from "../src/engines/nano/nano-model.ts";
import { initialWeights, nanoConfig, type Weights, weightsFrom } from "../src/engines/nano/network.ts";
import { ConfigError, DataError } from "../src/errors.ts";
import { askAbout, createEpisode, type FactKind, householdVideos } from "../src/household/index.ts";
import { choicePolicy } from "../src/policies/choice/choice.ts";
import { adapterFromTasks } from "../src/policies/choice/word-vector-trainer.ts";
import { nanoPolicy, nanoTarget } from "../src/policies/nano/index.ts";
import type { Context, Policy } from "../src/policy/policy.ts";
import { memoryPrompt } from "../src/policy/prompts.ts";
import { seededRandom } from "../src/util/random.ts";
import { temporaryFolder } from "./support/memory.ts";
import { nanoWeights } from "./support/nano.ts";

const folder = temporaryFolder("round-trip");
const { countTokens } = wordSpace;

/** What the cases need of a policy. */
interface Subject {
  readonly target: AdapterTarget;
  /** What its adapters' files name as their base. */
  readonly base: string | null;
  readonly first: VectorAdapter;
  readonly second: VectorAdapter;
  readonly context: Context;
  policy(adapter: Adapter | null): Policy;
}

/** The same draws each time: texts and log-probabilities, without the revision. */
async function written({ policy, context }: Subject, adapter: Adapter | null) {
  const { actions } = await policy(adapter).decide(context, { n: 4, random: seededRandom("draws") });
  return actions.map(({ text, logprobs }) => ({ text, tokens: logprobs!.tokens, values: logprobs!.values }));
}

const recordOf = ({ base, first }: Subject, adapter = first): AdapterRecord => ({
  ...{ adapter, base },
  provenance: { method: "dpo", parents: [], tasks: ["t1"], createdAtMs: 1, report: {} },
});

/** Twice the values at half the scale. */
const doubled = (adapter: VectorAdapter) =>
  withRevision({ ...adapter, values: adapter.values.map((value) => 2 * value), scale: adapter.scale / 2 });

function cases(subjectOf: () => Subject): void {
  test("saved and loaded, it writes what it wrote", async () => {
    const subject = subjectOf();
    const path = join(folder, "kept.json");
    saveAdapter(path, recordOf(subject));
    const { adapter } = loadAdapter(path, subject.target);
    assert.deepEqual(adapter, subject.first);
    assert.deepEqual(await written(subject, adapter), await written(subject, subject.first));
    assert.notDeepEqual(await written(subject, adapter), await written(subject, null));
    assert.ok(subject.policy(adapter).revision.endsWith(`+${adapter.revision}`));
  });

  test("at scale 0 it is no adapter, in every text and every log-probability", async () => {
    const subject = subjectOf();
    const off = scaleAdapter(subject.first, 0);
    assert.deepEqual(await written(subject, off), await written(subject, null));
  });

  test("twice the values at half the scale are the same", async () => {
    const subject = subjectOf();
    assert.equal(doubled(subject.first).revision, subject.first.revision);
    assert.deepEqual(await written(subject, doubled(subject.first)), await written(subject, subject.first));
  });

  test("another adapter in between leaves nothing behind", async () => {
    const subject = subjectOf();
    const before = await written(subject, subject.first);
    assert.notDeepEqual(await written(subject, subject.second), before);
    assert.deepEqual(await written(subject, subject.first), before);
  });

  test("two adapters at once do not mix", async () => {
    const subject = subjectOf();
    const alone = [await written(subject, subject.first), await written(subject, subject.second)];
    const together = await Promise.all([written(subject, subject.first), written(subject, subject.second)]);
    assert.deepEqual(together, alone);
  });

  test("one of another space, dimension or base is refused, and so is a value that is not a number", () => {
    const subject = subjectOf();
    const { target, first } = subject;
    const text = adapterText(recordOf(subject), "kept");
    const refused = (other: Partial<AdapterTarget>, code: string, says: RegExp) =>
      assert.throws(
        () => parseAdapter(text, "kept", { ...target, ...other }),
        (error) => error instanceof ConfigError && error.code === code && says.test(error.message),
      );
    refused(
      { space: "words:other" },
      "adapter-space",
      /Expected an adapter of words:other .* Train it in this space/,
    );
    refused({ dimension: 7 }, "adapter-space", /dimension 7/);
    const broken = { ...first, values: first.values.with(0, Number.NaN) };
    assert.throws(
      () => adapterText(recordOf(subject, broken), "kept"),
      (error) => error instanceof DataError && /finite number.*got NaN at index/.test(error.message),
    );
    const value = JSON.stringify([...first.values]);
    const nulled = text.replace(value, JSON.stringify([...broken.values]));
    assert.notEqual(nulled, text);
    assert.throws(
      () => parseAdapter(nulled, "kept", target),
      (error) => error instanceof DataError && /values.0: .*number/.test(error.message),
    );
  });
}

describe("an adapter of the choice policy", () => {
  const film = householdVideos({ split: "validation", from: 3, clips: 3, captions: true });
  const teach = (kind: FactKind) =>
    adapterFromTasks(
      askAbout(createEpisode("train-3", 30), seededRandom("ask"), { kinds: [kind], perKind: 5 }).map(
        (question) => ({ question }),
      ),
      { words: wordSpace },
    ).adapter;
  let subject: Subject;
  before(async () => {
    const video = film.video(0);
    subject = {
      target: { space: wordSpace.id, dimension: wordSpace.dimension, base: "choice@1" },
      base: null,
      first: teach("wear"),
      second: teach("place"),
      context: {
        observations: await Promise.all([0, 1, 2].map((clip) => video.observe(clip))),
        recent: { observations: [], entries: [] },
        state: { value: null, documents: 0, words: new Map() },
      },
      policy: (adapter) => choicePolicy({ words: wordSpace, adapter }),
    };
  });
  cases(() => subject);

  test("fits every base, being made of words", () => {
    const text = adapterText(recordOf(subject), "kept");
    const { adapter } = parseAdapter(text, "kept", { ...subject.target, base: "choice@9" });
    assert.equal(adapter.revision, subject.first.revision);
  });
});

const { path, skip } = nanoWeights();

describe("an adapter of nano", { skip }, () => {
  const film = householdVideos({ split: "validation", from: 3, clips: 2 });
  const vector = (seed: string): VectorAdapter => {
    const random = seededRandom(seed);
    const weights = Array.from({ length: nanoConfig.width }, (_, d): Weight => [d, random() - 0.5]);
    return createAdapter(nanoTarget(model).space, nanoConfig.width, weights);
  };
  let weights: Weights;
  let model: NanoModel;
  let subject: Subject;
  let contexts: Context[];
  before(async () => {
    const read = await readNano(path);
    weights = read.weights;
    model = new NanoModel(weights, read.checksum);
    const video = film.video(0);
    const [earlier, later] = [await video.observe(0), await video.observe(1)];
    const state = { value: null, documents: 0, words: new Map() };
    const entries = [{ clip: 0, kind: "episodic" as const, text: await video.written(0) }];
    contexts = [
      { observations: [earlier], recent: { observations: [], entries: [] }, state },
      { observations: [later], recent: { observations: [earlier], entries }, state },
    ];
    const target = nanoTarget(model);
    subject = {
      ...{ target, base: target.base, first: vector("first"), second: vector("second") },
      context: contexts[1]!,
      policy: (adapter) => nanoPolicy(model, adapter, countTokens),
    };
  });
  cases(() => subject);

  test("is refused by nano with other weights, as trained on another base", () => {
    const others = weightsFrom(nanoConfig, initialWeights(nanoConfig, seededRandom("other weights")));
    const target = nanoTarget(new NanoModel(others, "0123456789ab"));
    assert.notEqual(target.base, subject.target.base);
    assert.throws(
      () => parseAdapter(adapterText(recordOf(subject), "kept"), "kept", target),
      (error) =>
        error instanceof ConfigError &&
        error.code === "adapter-base" &&
        error.message.includes(target.base) &&
        error.message.includes(subject.target.base),
    );
  });

  test("is read from a file that names the wording of the prompt too, as earlier versions did", () => {
    const text = (base: string) => adapterText({ ...recordOf(subject), base }, "kept");
    for (const policy of ["engine", "model"]) {
      const former = `${policy}:${model.id}@0123456789ab`;
      const { adapter } = parseAdapter(text(former), "kept", subject.target);
      assert.equal(adapter.revision, subject.first.revision);
    }
    for (const other of ["model:nano:0123456789ab@0123456789ab", `${model.id}@0123456789ab`])
      assert.throws(() => parseAdapter(text(other), "kept", subject.target), { code: "adapter-base" });
  });

  test("in one batch with another one, each prompt's answers are those it gets alone", async () => {
    const read = await Promise.all(
      contexts.map((context) => model.read(memoryPrompt(context, { semantic: false, countTokens }))),
    );
    const decoder = new Decoder(nanoConfig);
    // The likeliest tokens, so that no draw depends on what is drawn beside it.
    const decode = (prompts: typeof read, adapters: readonly (Adapter | null)[]) =>
      decoder.decode(
        weights,
        {
          count: prompts.length,
          strips: joined(
            prompts.map(({ strips }) => strips),
            Float32Array,
          ),
          texts: joined(
            prompts.map(({ texts }) => texts),
            Int32Array,
          ),
        },
        {
          ...{ samples: 1, temperature: 0, random: seededRandom("unused") },
          vectors: joined(
            adapters.map((adapter) => vectorOf(adapter)),
            Float32Array,
          ),
        },
      );
    const tokensOf = (decoded: Awaited<ReturnType<typeof decode>>) =>
      decoded.map(([answer]) => answer!.tokens);
    const logprobsOf = (decoded: Awaited<ReturnType<typeof decode>>) =>
      decoded.flatMap(([answer]) => [...answer!.logprobs]);
    // A prompt with each adapter and without, then two prompts.
    const sets = [
      { prompts: [0, 0], adapters: [subject.first, subject.second] },
      { prompts: [0, 0], adapters: [subject.first, null] },
      { prompts: [0, 1], adapters: [subject.second, subject.first] },
    ];
    for (const { prompts, adapters } of sets) {
      const together = await decode(
        prompts.map((i) => read[i]!),
        adapters,
      );
      const alone = [
        ...(await decode([read[prompts[0]!]!], [adapters[0]!])),
        ...(await decode([read[prompts[1]!]!], [adapters[1]!])),
      ];
      assert.deepEqual(tokensOf(together), tokensOf(alone));
      for (const [t, value] of logprobsOf(together).entries())
        assert.ok(Math.abs(value - logprobsOf(alone)[t]!) < 1e-4);
      assert.notDeepEqual(logprobsOf(together.slice(0, 1)), logprobsOf(together.slice(1)));
    }
  });
});

function joined<T extends Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>>(
  parts: readonly T[],
  Type: new (length: number) => T,
): T {
  const whole = new Type(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
