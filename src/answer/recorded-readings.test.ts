/**
 * What SmolLM2-135M really answered from six notes, in both forms (`test/support/record-readings.ts`): what is made of it is
 * right or a decline in our words, and never the model's own.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { type Model, noCost, unknownLimits } from "../engine.ts";
import { wordSpace } from "../engines/local/index.ts";
import type { Entry } from "../memory/memory.ts";
import { modelReader } from "./model-reader.ts";
import type { ReadRequest } from "./reader.ts";

interface Recorded {
  readonly question: string;
  /** A word of the right answer; `null` where the notes do not tell. */
  readonly word: string | null;
  readonly said: string;
}

const { lines, sentences, forms, probe } = JSON.parse(
  readFileSync(new URL("__fixtures__/small-readings.json", import.meta.url), "utf8"),
) as { lines: string[]; sentences: Recorded[]; forms: Recorded[]; probe: string };

/** The model as it was recorded: its answer to the probe, to a form and to a sentence. */
function replayed({ form = "", sentence = "" }: { form?: string; sentence?: string }): Model {
  const can = { images: false, video: false, jsonSchema: true, samples: true, logprobs: false };
  return {
    id: "recorded",
    capabilities: async () => ({ ...can, ...unknownLimits }),
    cost: () => noCost,
    generate: async ({ parts, schema }) => {
      const asked = parts.map((part) => (part.type === "text" ? part.text : "")).join("");
      const text = asked.includes("feeds the parrot") ? probe : schema ? form : sentence;
      return { completions: [{ text, thinking: null, finish: "stop", tokens: null }], cost: noCost };
    },
  };
}

const recalled = lines.map((text, i) => ({
  entry: { id: `e_${i + 1}`, text, speakers: [], stream: "notes", startSeconds: i * 100, closed: null },
  score: { total: 1 - i / 10 },
})) as unknown as { entry: Entry; score: { total: number } }[];
const rendered = lines.map((line, i) => `[e_${i + 1}] ${line}`).join("\n");
const requestOf = (text: string): ReadRequest => ({
  ...{ question: { text, options: [] }, recalled, rendered, gaps: [] },
});

describe("recorded sentences", () => {
  for (const { question, word, said } of sentences)
    test(`${question} → ${word ?? "declined"}`, async () => {
      const reader = modelReader(replayed({ sentence: said }), { words: wordSpace, isSmall: true });
      const { answer, abstained, cited } = await reader.read(requestOf(question));
      if (abstained) {
        assert.match(answer, /^Memory does not hold/);
        assert.deepEqual(cited, []);
      }
      if (word === null) return assert.ok(abstained, answer);
      if (abstained) return;
      const line = lines[Number(cited[0]!.slice(2)) - 1]!;
      assert.ok(line.toLowerCase().includes(word), `${answer} rests on ${line}`);
    });

  test("most of what the notes tell is answered", async () => {
    const told = sentences.filter(({ word }) => word !== null);
    const readings = await Promise.all(
      told.map(({ question, said }) =>
        modelReader(replayed({ sentence: said }), { words: wordSpace, isSmall: true }).read(
          requestOf(question),
        ),
      ),
    );
    const answered = readings.filter(({ abstained }) => !abstained).length;
    assert.ok(answered > told.length / 2, `${answered} of ${told.length}`);
  });
});

describe("recorded forms", () => {
  for (const { question, said } of forms)
    test(`${question} is read, or declined in our words`, async () => {
      const reader = modelReader(replayed({ form: said }), { attempts: 1 });
      const { answer, abstained, cited } = await reader.read(requestOf(question));
      if (!abstained) return assert.ok(cited.length > 0 && cited.every((id) => /^e_[1-6]$/.test(id)));
      assert.match(answer, /^(?:Memory does not hold|The model gave no usable answer)/);
    });

  test("the probe tells that it cannot fill them in, so none of them counts", async () => {
    const { question, said } = forms[0]!;
    const model = replayed({ form: said, sentence: sentences[0]!.said });
    const { answer } = await modelReader(model, { words: wordSpace, isSmall: true }).read(
      requestOf(question),
    );
    assert.equal(answer, sentences[0]!.said);
  });
});
