/** Questions in another language than what was said: made-up lines, with the cosines that an encoder would give. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Entry } from "../../memory/memory.ts";
import { lexicalReader } from "./lexical-reader.ts";
import { wordSpace } from "./words.ts";

const reader = lexicalReader({ words: wordSpace });

/** A line, and the cosine of its sentence to the question. */
type Line = readonly [text: string, cosine: number];
const talk: readonly Line[] = [
  ["Uwe: Schön ist es heute.", 0.79],
  ["Uwe: Wir müssen noch aufräumen.", 0.78],
  ["Uwe: Magst du noch Suppe?", 0.8],
  ["Léa: On verra bien.", 0.79],
  ["Léa: Il fait froid ce soir.", 0.78],
  ["Nora: It is windy outside.", 0.79],
];

/** The text that answers; `null` where it is declined. */
async function ask(question: string, lines: readonly Line[]): Promise<string | null> {
  const all = [...lines, ...talk];
  const reading = await reader.read({
    question: { text: question, options: [] },
    recalled: all.map(([text], i) => ({
      entry: {
        ...{ id: `e${i}`, stream: "home", clip: i, kind: "episodic", text, closed: null },
        ...{ startSeconds: 100 * i, endSeconds: 100 * i + 2, writtenAtMs: i, policy: "test", revision: "1" },
        speakers: [text.split(":")[0]!],
      } as unknown as Entry,
      score: { total: 1 / (i + 1), vector: { rank: i + 1, score: 0.8, byMeaning: true as const } },
    })),
    likeness: async (_, others) =>
      others.map((other) => all.find(([text]) => text.includes(other))?.[1] ?? 0),
    ...{ rendered: "", gaps: [] },
  });
  return reading.abstained ? null : reading.answer;
}

test("is answered by the sentence that stands out, in whichever languages", async () => {
  const asked: readonly (readonly [question: string, line: string])[] = [
    ["Where is the ladder kept?", "Uwe: Die Leiter steht im Keller."],
    ["¿Dónde está la escalera?", "Uwe: Die Leiter steht im Keller."],
    ["Warum trinkt Léa keinen Tee?", "Léa: Je dors mal après le thé."],
    ["梯子在哪里？", "Nora: The ladder is in the cellar."],
    ["Où est l'échelle ?", "小明: 我把梯子放在地下室。"],
  ];
  for (const [question, line] of asked) assert.equal(await ask(question, [[line, 0.86]]), line, question);
});

test("is declined where no sentence stands out, or another comes near", async () => {
  const line = "Uwe: Die Leiter steht im Keller.";
  assert.equal(await ask("Where is the ladder kept?", [[line, 0.81]]), null);
  assert.equal(
    await ask("Where is the ladder kept?", [
      [line, 0.86],
      ["Uwe: Das Seil liegt im Schuppen.", 0.855],
    ]),
    null,
  );
});

test("is declined where a person is another, or the kind of answer lacks", async () => {
  assert.equal(await ask("Where does Uwe keep the ladder?", [["Léa: L'échelle est à la cave.", 0.86]]), null);
  assert.equal(await ask("How many ladders are there?", [["Léa: L'échelle est à la cave.", 0.86]]), null);
  const three = "Léa: Il y a trois échelles à la cave.";
  assert.equal(await ask("How many ladders are there?", [[three, 0.86]]), three);
  // An amount needs a greater lead: ropes are counted in the same words.
  assert.equal(
    await ask("How many ladders are there?", [
      [three, 0.86],
      ["Léa: Il y a deux cordes.", 0.838],
    ]),
    null,
  );
});

test("in the language of what was said needs its words", async () => {
  assert.equal(
    await ask("Wann kommt der Elektriker?", [["Uwe: Der Klempner kommt am Freitag.", 0.86]]),
    null,
  );
});

test("is no other for a contraction", async () => {
  assert.equal(
    await ask("Why was the idea of a picnic dropped?", [["Nora: Good idea, let's make some.", 0.86]]),
    null,
  );
});
