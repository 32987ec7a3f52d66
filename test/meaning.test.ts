/**
 * Recall by meaning with the real encoder, pulled once as users pull it: what is asked in other words is found and answered,
 * a memory that was written by spelling says so until it is indexed again, and `doctor` tries the encoder.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import type { Answer } from "../src/answer/answer.ts";
import { hasRuntime } from "../src/engines/meaning/sentence-encoder.ts";
import { openTaskMem } from "../src/taskmem.ts";
import { taskmem } from "./support/cli.ts";
import { lock, testCache } from "./support/python.ts";

const env = { TASKMEM_MODELS: join(testCache, "meaning") };
const inLanguages = { TASKMEM_MODELS: join(testCache, "meaning-multilingual") };

async function whySkipped(name: string, env: { TASKMEM_MODELS: string }): Promise<string | false> {
  if (!hasRuntime()) return "onnxruntime-web is not installed";
  const release = await lock(`${env.TASKMEM_MODELS}.lock`);
  try {
    const run = await taskmem(["models", "pull", name, "--json"], { env });
    return run.code === 0 ? false : `cannot be pulled here: ${run.stderr.trim()}`;
  } finally {
    release();
  }
}

const skip = await whySkipped("meaning", env);
const skipInLanguages = await whySkipped("meaning-multilingual", inLanguages);

const folder = mkdtempSync(join(tmpdir(), "taskmem-meaning-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const lines = [
  ["Ann", "I bought a red lamp for the hall."],
  ["Bob", "The physician can see you on Thursday."],
  ["Ann", "We ran out of cash at the market."],
  ["Bob", "My automobile would not start this morning."],
];
const notes = join(folder, "notes.jsonl");
writeFileSync(
  notes,
  lines
    .map(([speaker, text], i) =>
      JSON.stringify({ startSeconds: 60 * i, endSeconds: 60 * i + 3, speaker, text }),
    )
    .join("\n"),
);

const nearestIn = ({ citations, nearestMisses }: Answer) => (citations[0] ?? nearestMisses[0])?.text ?? "";

/** Answers of this process, which loads the encoder once. */
async function askedHere(
  directory: string,
  questions: readonly string[],
  { TASKMEM_MODELS }: typeof env,
  meaning: "auto" | "multilingual" = "auto",
): Promise<Answer[]> {
  const before = process.env.TASKMEM_MODELS;
  process.env.TASKMEM_MODELS = TASKMEM_MODELS;
  try {
    await using memory = await openTaskMem({ directory, embedder: { meaning }, adapt: { auto: false } });
    const answers: Answer[] = [];
    for (const question of questions) answers.push(await memory.ask(question));
    return answers;
  } finally {
    process.env.TASKMEM_MODELS = before;
  }
}

describe("recall by meaning", { skip }, () => {
  const memory = join(folder, "memory");
  const first = async (question: string) => {
    const run = await taskmem(["ask", question, "-m", memory, "--json", "--no-adapt"], { env });
    const answer = JSON.parse(run.stdout.trim().split("\n").at(-1)!);
    return { answer, nearest: nearestIn(answer) };
  };

  test("a memory written by spelling says so, and is indexed again", async () => {
    assert.equal((await taskmem(["watch", notes, "-m", memory, "--meaning", "off"], { env })).code, 0);
    const before = await first("When is the doctor's appointment?");
    assert.match(before.answer.bySpelling, /taskmem reindex/);
    const run = await taskmem(["reindex", "-m", memory, "--json"], { env });
    const { entries, by } = JSON.parse(run.stdout.trim());
    assert.deepEqual([entries, by], [4, "meaning"]);
  });

  test("finds what is asked in other words", async () => {
    const asked = {
      "Whose car broke down?": "automobile",
      "When is the doctor's appointment?": "physician",
      "Who has no money left?": "cash",
    };
    for (const [i, answer] of (await askedHere(memory, Object.keys(asked), env)).entries()) {
      const [question, word] = Object.entries(asked)[i]!;
      assert.equal(answer.bySpelling, null);
      assert.ok(nearestIn(answer).includes(word), `${question} ${nearestIn(answer)}`);
    }
  });

  test("a question in a language that the encoder does not know is compared by spelling, and says so", async () => {
    assert.match((await first("Wo ist der Arzt?")).answer.bySpelling, /language/);
  });

  test("doctor tries the encoder on a paraphrase", async () => {
    const run = await taskmem(["doctor", "-m", memory, "--json"], { env });
    const checks = run.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const check = checks.find((one) => one.check === "meaning");
    assert.equal(check.state, "ok", check.detail);
  });
});

describe("recall by meaning across languages", { skip: skipInLanguages }, () => {
  test("finds what was said in another language, by an encoder that can be named", async () => {
    const said = [
      "L'échelle est restée dans le garage.",
      "Am Donnerstag kommt der Schornsteinfeger.",
      "钥匙在蓝色的罐子里。",
      "The soup was served cold.",
    ];
    const file = join(folder, "abroad.jsonl");
    const rows = said.map((text, i) => ({
      startSeconds: 60 * i,
      endSeconds: 60 * i + 3,
      speaker: "Zoé",
      text,
    }));
    writeFileSync(file, rows.map((row) => JSON.stringify(row)).join("\n"));
    const memory = join(folder, "abroad");
    const flags = ["-m", memory, "--meaning", "multilingual"];
    assert.equal((await taskmem(["watch", file, ...flags], { env: inLanguages })).code, 0);
    const [question, ...others] = [
      "¿Dónde está la escalera?",
      "When does the chimney sweep come?",
      "Where are the keys?",
      "¿Qué se sirvió frío?",
    ] as const;
    const run = await taskmem(["ask", question, ...flags, "--json", "--no-adapt"], { env: inLanguages });
    const answers = [
      JSON.parse(run.stdout.trim().split("\n").at(-1)!) as Answer,
      ...(await askedHere(memory, others, inLanguages, "multilingual")),
    ];
    for (const [i, answer] of answers.entries()) {
      assert.equal(answer.bySpelling, null);
      assert.ok(nearestIn(answer).endsWith(said[i]!), `${[question, ...others][i]} → ${nearestIn(answer)}`);
    }
    const other = await taskmem(["ask", "Where are the keys?", "-m", memory, "--meaning", "english"], {
      env: inLanguages,
    });
    assert.match(other.stderr, /taskmem models pull meaning/);
  });
});
