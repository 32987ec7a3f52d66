/**
 * What a very small model answers from memory: held to the form of an answer; in a sentence; and as `ask` takes it, which
 * answers by rules where they answer and asks the model for a sentence where they decline. Beside it, the rules alone.
 *
 * 22 notes of our own are remembered and recalled by word; 15 questions are answered by them and 8 are not. Right means
 * that the answer holds the word looked for.
 *
 * `node perf/small-reader.ts local:smollm2-135m`, or `http://127.0.0.1:8080/v1 [model]`. `--alone` also asks the
 * model alone, in a sentence and in the form, which takes long.
 */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { modelReader } from "../src/answer/model-reader.ts";
import type { Reader } from "../src/answer/reader.ts";
import { parseConfig } from "../src/config.ts";
import { lexicalReader, wordSpace } from "../src/engines/local/index.ts";
import { openaiModel } from "../src/engines/openai/index.ts";
import { openTaskMem } from "../src/index.ts";
import { renderMemory } from "../src/memory/render.ts";
import { closeLocalModels, openLocalModel } from "../src/taskmem/local-model.ts";
import { printTable } from "./markdown.ts";

const notes = [
  "Ann puts the spare key under the blue pot by the door.",
  "Bob gets the spare key on Friday.",
  "The kettle is broken and Ann ordered a new one.",
  "The new kettle comes on Tuesday before noon.",
  "The dentist moved the visit to the ninth at half past two.",
  "The code for the bike locks is four seven one.",
  "Cara brings the cake and Ann brings the plates.",
  "They meet at the lake at six.",
  "The train leaves from platform eleven.",
  "Ann has both train tickets.",
  "Dan feeds the parrot at noon every day.",
  "The parrot is called Rico.",
  "Mia lent the ladder to the neighbour in number nine.",
  "The red umbrella hangs behind the kitchen door.",
  "Bob parked the car behind the bakery.",
  "The washing machine is repaired by a man called Lund.",
  "Ann's passport expires in March.",
  "The choir rehearses on Wednesday evenings in the old school.",
  "Cara is allergic to walnuts.",
  "The wifi password is written inside the cupboard.",
  "Dan painted the fence green last weekend.",
  "The film starts at a quarter to nine.",
];

const answered: readonly (readonly [question: string, word: string])[] = [
  ["Where is the spare key?", "pot"],
  ["When does the new kettle come?", "tuesday"],
  ["What is the code for the bikes?", "seven"],
  ["Who brings the cake?", "cara"],
  ["Where do they meet?", "lake"],
  ["Which platform does the train leave from?", "eleven"],
  ["What is the parrot's name?", "rico"],
  ["Who has the ladder?", "neighbour"],
  ["Where does the umbrella hang?", "kitchen"],
  ["Where is the car parked?", "bakery"],
  ["When does the passport expire?", "march"],
  ["What is Cara allergic to?", "walnut"],
  ["What colour is the fence?", "green"],
  ["When does the film start?", "quarter"],
  ["When does the choir rehearse?", "wednesday"],
];

const unanswered = [
  "Where is Ann's guitar?",
  "Who plays the violin?",
  "What does Bob cook for dinner?",
  "When is Mia's birthday?",
  "How much did the bicycle cost?",
  "Which hospital does Dan work in?",
  "What is the name of the dog?",
  "Where did Cara go to school?",
];

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { alone: { type: "boolean" } },
});
const [place, name = "model"] = positionals;
if (place === undefined)
  throw new TypeError("Expected local:NAME or the base URL of a server, such as http://127.0.0.1:8080/v1");
const config = parseConfig({ model: { model: place } });
/** A model that nothing is known of yet, so that each row probes it. */
const opened = () =>
  place.startsWith("local:")
    ? { ...openLocalModel(config) }
    : openaiModel({ baseURL: place, model: name, timeoutMs: 600_000 });
await using memory = await openTaskMem({ directory: mkdtempSync(join(tmpdir(), "small-reader-")) });
for (const text of notes) await memory.remember({ text });

async function row(name: string, reader: Reader): Promise<void> {
  const began = performance.now();
  const counts = { right: 0, wrong: 0, declined: 0, made: 0 };
  for (const [text, word] of [...answered, ...unanswered.map((text) => [text, null] as const)]) {
    const recalled = await memory.recall({ text });
    const render = (tokenBudget: number) => renderMemory(recalled, { tokenBudget });
    const asked = { question: { text, options: [] }, recalled, gaps: [], render };
    const { answer, abstained } = await reader.read({ ...asked, rendered: render(reader.tokenBudget) });
    if (word === null) counts.made += abstained ? 0 : 1;
    else if (abstained) counts.declined += 1;
    else counts[answer.toLowerCase().includes(word) ? "right" : "wrong"] += 1;
  }
  const seconds = (performance.now() - began) / 1000 / (answered.length + unanswered.length);
  print(name, counts.right, counts.wrong, counts.declined, counts.made, seconds.toFixed(1));
}

const print = printTable(
  ...["answers", "right of 15", "wrong", "declined", "made up, of 8", "seconds a question"],
);
const rules = lexicalReader({ words: wordSpace });
await row("by rules alone", rules);
await row("as `ask` takes them", modelReader(opened(), { words: wordSpace, rules, isSmall: true }));
if (values.alone) {
  await row("in a sentence alone", modelReader(opened(), { words: wordSpace, isSmall: true }));
  await row("in the form alone, one try", modelReader(opened(), { attempts: 1 }));
}
closeLocalModels();
