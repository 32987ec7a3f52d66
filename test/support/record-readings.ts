/**
 * Records what a very small model answers from a few notes, in a sentence and in a form, for tests that replay it:
 * `taskmem models pull llama.cpp smollm2-135m`, then `node test/support/record-readings.ts`. It takes minutes.
 */
import { writeFileSync } from "node:fs";
import { answerInstructions, answerPrompt, answerSchema } from "../../src/answer/answer-form.ts";
import { probeForms } from "../../src/answer/form-probe.ts";
import { sentenceAsked } from "../../src/answer/sentence-reading.ts";
import { parseConfig } from "../../src/config.ts";
import type { GenerateRequest } from "../../src/engine.ts";
import { closeLocalModels, openLocalModel } from "../../src/taskmem/local-model.ts";

const lines = [
  "Ann puts the spare key under the blue pot by the door.",
  "The new kettle comes on Tuesday before noon.",
  "Cara is allergic to walnuts.",
  "The train leaves from platform eleven.",
  "Bob parked the car behind the bakery.",
  "The parrot is called Rico.",
];
/** Questions, with a word of the right answer; `null` where the notes do not tell. */
const questions: readonly (readonly [question: string, word: string | null])[] = [
  ["Where is the spare key?", "pot"],
  ["When does the new kettle come?", "tuesday"],
  ["What is Cara allergic to?", "walnut"],
  ["Where is the car parked?", "bakery"],
  ["What is the parrot's name?", "rico"],
  ["Where is Ann's guitar?", null],
  ["When is Cara's birthday?", null],
  ["What is the name of the dog?", null],
  ["How much did the kettle cost?", null],
];
const asForms = 4;

const model = openLocalModel(parseConfig({ model: { model: "local:smollm2-135m" } }));
const said = async (request: GenerateRequest) => (await model.generate(request)).completions[0]!.text;
const recorded = { model: model.id, lines, sentences: [] as object[], forms: [] as object[], probe: "" };
const save = () =>
  writeFileSync(
    new URL("../../src/answer/__fixtures__/small-readings.json", import.meta.url),
    `${JSON.stringify(recorded, null, 2)}\n`,
  );

for (const [text, word] of questions) {
  const question = { text, options: [] };
  recorded.sentences.push({ question: text, word, said: await said(sentenceAsked(question, lines)) });
  save();
}
await probeForms(model, {
  probed: {
    ...model,
    generate: async (request) => {
      const generation = await model.generate(request);
      recorded.probe = generation.completions[0]!.text;
      return generation;
    },
  },
});
const memory = `Description:\n\n${lines.map((line, i) => `[${i + 1}] ${line}`).join("\n")}`;
for (const [text, word] of [...questions.slice(0, asForms - 2), ...questions.slice(-2)]) {
  const question = { text, options: [] };
  const form = await said({
    system: answerInstructions,
    parts: [{ type: "text", text: answerPrompt(question, memory, null) }],
    sampling: { temperature: 0, maxTokens: 512 },
    schema: answerSchema(question, lines.length),
  });
  recorded.forms.push({ question: text, word, said: form });
  save();
}
closeLocalModels();
