/**
 * What people ask in their own words of talk that seldom repeats a question: made-up talk over an hour, with the real encoder.
 * A question is answered right, or declined with the line that answers it among its five closest moments; seldom wrong.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, test } from "node:test";
import { hasRuntime } from "../src/engines/meaning/sentence-encoder.ts";
import { openTaskMem, type TaskMem } from "../src/taskmem.ts";
import { pulledForTests } from "./support/pulled.ts";

const pulled = hasRuntime() ? await pulledForTests("meaning") : { skip: "onnxruntime-web is not installed" };
if ("folder" in pulled) process.env.TASKMEM_MODELS = dirname(pulled.folder);
const skip = "skip" in pulled ? pulled.skip : false;

const folder = mkdtempSync(join(tmpdir(), "taskmem-closest-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Talk of two mornings; a blank line is a pause of five minutes. */
const talks = {
  allotment: `
Nora: The beans came up overnight.
Otto: How many rows are there?
Nora: Seven, and two of peas.
Pia: Slugs got the lettuce again.
Otto: Put some ash around it.

Pia: Did you hear about the shed?
Otto: The roof blew off in the storm.
Nora: Who is going to mend it?
Otto: My cousin Lukas, on Saturday.
Pia: He charges nothing for it.

Nora: What is that smell?
Pia: Compost, it is too wet.
Nora: Turn it over with straw.
Otto: I have a bale in the van.

Pia: My knee hurts.
Otto: From kneeling all day?
Pia: No, I slipped on the ice in March.
Nora: You should see somebody.

Otto: The water has to be shut off.
Nora: Since when?
Otto: The council said until the fifteenth.
Pia: Then we carry cans from the brook.

Nora: I brought plum cake.
Pia: With cream?
Nora: No, the dairy was closed.
Otto: It is good without.

Otto: We need a new wheelbarrow.
Pia: They cost 60 at Hansen's.
Otto: Too dear for one wheel.
Nora: Ask the neighbours to share.

Nora: There is a hedgehog under the pallets.
Pia: Leave it alone then.
Otto: I will burn no wood this week.`,
  workshop: `
Ravi: The belt on the lathe is slipping.
Tess: Did you tighten it?
Ravi: Twice, it is worn out.
Tess: Order the broad one.
Ravi: It comes from Sweden and takes nine days.

Tess: This chair is for the school.
Ravi: How many do they want?
Tess: Forty, in beech.
Ravi: That is a whole month.

Milo: Somebody left the glue open.
Ravi: Not me.
Milo: It is hard as stone.
Tess: There is another tin behind the drill.

Tess: The customer from Friday called.
Milo: About the wardrobe?
Tess: She wants the doors in walnut.
Milo: Then we start over.

Ravi: I cut my thumb.
Milo: On the band saw?
Ravi: On the lid of a sardine tin, at lunch.
Tess: Hold it up and sit down.

Milo: The inspector was here.
Tess: What did he say?
Milo: Two extinguishers are out of date.
Tess: Since 2021, I know.

Ravi: My daughter starts with us in autumn.
Tess: As an apprentice?
Ravi: For a year, then she studies music.

Milo: Lights out, please.
Tess: The compressor is still running.
Milo: Let it, the tank has to be full for tomorrow.`,
};

/** What is asked, and a part of the line that answers it. */
const asked: readonly (readonly [question: string, line: string])[] = [
  ["What number of bean lines did they sow?", "Seven, and two of peas"],
  ["Which relative repairs the hut?", "My cousin Lukas"],
  ["How much money does the repairman take?", "charges nothing"],
  ["Why does the heap stink?", "Compost, it is too wet"],
  ["What caused the injury of Pia's leg?", "slipped on the ice"],
  ["Up to which day is there no tap water?", "until the fifteenth"],
  ["Why was there nothing whipped to go with the dessert?", "the dairy was closed"],
  ["What is the price of the garden cart?", "They cost 60"],
  ["Which wild animal hides among the planks?", "hedgehog"],
  ["From which country does the spare part come?", "comes from Sweden"],
  ["How long does the delivery of the drive strap last?", "takes nine days"],
  ["What quantity of seats did the pupils' house order?", "Forty, in beech"],
  ["Where is more adhesive?", "behind the drill"],
  ["Which timber does the client prefer for the cupboard?", "doors in walnut"],
  ["What object injured Ravi's finger?", "lid of a sardine tin"],
  ["Since what year have the fire devices been too old?", "Since 2021"],
  ["What will Ravi's child do at university?", "studies music"],
  ["Why must the air machine stay on?", "tank has to be full"],
];

const unanswered = [
  "What is the name of Nora's dog?",
  "How tall is Tess?",
  "What colour is the van?",
  "How much did the lathe cost?",
  "Which bus does Milo take to work?",
  "When is Otto's birthday?",
];

describe("questions in people's own words", { skip }, () => {
  let memory: TaskMem | undefined;
  after(() => memory?.close());

  test("are answered, or shown the moment that answers", async () => {
    memory = await openTaskMem({ directory: join(folder, "memory"), embedder: { meaning: "english" } });
    for (const [name, talk] of Object.entries(talks)) {
      const file = join(folder, `${name}.jsonl`);
      writeFileSync(file, rowsOf(talk));
      await memory.watch(file);
    }
    const counts = { right: 0, wrong: 0, shown: 0, missed: [] as string[] };
    for (const [question, line] of asked) {
      const { abstained, answer, citations, nearestMisses } = await memory.ask(question, { record: false });
      const holds = ({ text }: { readonly text: string }) => text.includes(line);
      assert.ok(nearestMisses.length <= 5);
      if (!abstained) counts[answer.includes(line) || citations.some(holds) ? "right" : "wrong"]++;
      else if (nearestMisses.some(holds)) counts.shown++;
      else counts.missed.push(question);
    }
    const told = JSON.stringify(counts);
    assert.ok(counts.wrong <= 2, told);
    assert.ok(counts.right + counts.shown >= 14, told);
  });

  test("are declined where nothing was said of it", async () => {
    const answers = await Promise.all(unanswered.map((text) => memory!.ask(text, { record: false })));
    const made = answers.filter(({ abstained }) => !abstained).map(({ answer }) => answer);
    assert.ok(made.length <= 1, made.join("\n"));
  });
});

/** Facts that are told at once. */
const facts = [
  "The boiler is serviced by Mrs Quint.",
  "Emil borrowed the tent from the scouts.",
  "The alarm code of the garage is two nine six.",
  "Greta has the vet's number.",
  "The piano lesson is on Thursday at five.",
  "Emil waters the ferns every second day.",
  "The blue suitcase has a broken wheel.",
  "Greta is allergic to penicillin.",
  "The recycling van comes before seven.",
  "Uncle Theo drives us to the airport.",
  "The garden gate squeaks and Emil oiled it.",
  "The library card is in the tea tin.",
];

const ofNoFact = [
  "When is Greta's wedding?",
  "How much did the garage cost?",
  "When does Emil get paid?",
  "What does Emil drink at breakfast?",
  "What is the password of the computer?",
  "Who gave Greta the penicillin?",
  "How old is Uncle Theo?",
  "What is the colour of the piano?",
  "Where did Greta study?",
  "How many ferns does the scout have?",
];

const ofFacts: readonly (readonly [question: string, word: string])[] = [
  ["Who services the boiler?", "quint"],
  ["Where is the library card?", "tea tin"],
  ["When is the piano lesson?", "thursday"],
  ["What is Greta allergic to?", "penicillin"],
  ["Who drives us to the airport?", "theo"],
  ["What is the alarm code of the garage?", "two nine six"],
];

describe("facts told at once", { skip }, () => {
  test("answer what they say, and nothing else", async () => {
    await using memory = await openTaskMem({
      directory: join(folder, "facts"),
      embedder: { meaning: "english" },
    });
    for (const text of facts) await memory.remember({ text });
    for (const question of ofNoFact) {
      const { abstained, answer } = await memory.ask(question, { record: false });
      assert.equal(abstained, true, `${question} → ${answer}`);
    }
    for (const [question, word] of ofFacts) {
      const { answer } = await memory.ask(question, { record: false });
      assert.match(answer.toLowerCase(), new RegExp(word), question);
    }
  });
});

/** The lines of a talk, three seconds each. */
function rowsOf(talk: string): string {
  let seconds = 0;
  const rows = talk
    .trim()
    .split("\n")
    .flatMap((line) => {
      seconds += line === "" ? 300 : 3;
      const [speaker, text] = line.split(": ");
      return line === "" ? [] : [{ startSeconds: seconds, endSeconds: seconds + 2, speaker, text }];
    });
  return rows.map((row) => JSON.stringify(row)).join("\n");
}
