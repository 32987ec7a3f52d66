/**
 * The benchmarks with a model that runs here: household-VL watches made-up films, its rows are written with pictures, with
 * prompts and with what it learnt by preferences, and a run that was stopped is resumed to the same bytes. All run in this
 * process, over models that they share, and are stopped among their answers; Video-MME is killed after its lesson and resumed
 * as people run it.
 */
import assert from "node:assert/strict";
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { BenchmarkName } from "../src/benchmarks/task.ts";
import { type Models, run as runBench } from "../src/cli/commands/bench-run.ts";
import type { Output } from "../src/cli/output.ts";
import { parseConfig } from "../src/config.ts";
import { localEmbedder, wordSpace } from "../src/engines/local/index.ts";
import { openTorchEngine, type TorchModel, torchModel, workerCommand } from "../src/engines/torch/index.ts";
import { createEpisode, episodeSeed } from "../src/household/index.ts";
import { openSqliteMemory } from "../src/memory/sqlite.ts";
import { readHouseholdMemory } from "../src/reward/household-judge.ts";
import { folderPrompting, modelFolder } from "../src/taskmem/folder-model.ts";
import { type CliOptions, type Row, taskmem, temporaryFolder } from "./support/cli.ts";
import {
  type HouseholdFilm,
  type HouseholdTree,
  householdEgoLife,
  householdEgoTempo,
  householdM3Bench,
  householdVideoMme,
  type ShownTree,
} from "./support/household-benchmark.ts";
import { householdWriter } from "./support/household-writer.ts";
import { startOpenAiServer } from "./support/openai-server.ts";
import { torchPython } from "./support/torch-python.ts";

const torch = await torchPython();
const folder = temporaryFolder();
after(() => rmSync(folder, { recursive: true, force: true }));
const config = join(folder, "taskmem.config.json");

test("a model at an endpoint learns which of its samples to keep, by preferences", async (t) => {
  const { root } = await householdVideoMme(join(folder, "served"), { films: 2, clips: 4, kinds: ["place"] });
  const writer = householdWriter(createEpisode(episodeSeed("validation", 0), 4));
  const server = await startOpenAiServer({ models: ["eyes"], model: writer });
  t.after(() => server.close());
  const run = await taskmem([
    ...["bench", "videomme", "--root", root, "--json", "--no-screen-text", "--updates", "2", "--votes", "1"],
    ...["--base-url", server.baseURL, "--model", "eyes", "--rows", "base,taskmem"],
    ...["--lesson-judge", "questions", "--runs", join(folder, "served-runs"), "--run", "r"],
  ]);
  assert.equal(run.code, 0, run.stderr);
  const lesson = run.rows.find(({ event }) => event === "bench-lesson")!;
  assert.equal(lesson.problem, null);
  assert.ok((lesson.pairs as number) > 0);
  const labels = (run.rows.at(-1)!.rows as Row[])
    .filter(({ type }) => type === "all")
    .map((row) => row.label);
  assert.deepEqual(labels, ["base", "TaskMem (preferences, best of n)"]);
  const results = readFileSync(join(folder, "served-runs", "r", "results.jsonl"), "utf8");
  assert.match(results, new RegExp(`best-of-8@1:[^"]*\\+${lesson.adapter}`));
});

describe("bench over household-VL", { skip: "skip" in torch ? torch.skip : false }, () => {
  let tree: HouseholdTree;
  let models: Models;
  /** It stands for a model that went through Phase One: the same, its last norm a little off. */
  const trained = join(folder, "household-vl-trained");
  const rows = ["base", "task-prompt", "phase-one", "taskmem"];
  const chosen = {
    ...{ model: "household-vl", phaseOne: trained, recipe: "paper", lessonJudge: "questions" },
    ...{ rows: rows.join(","), updates: "2", config },
  };
  before(async () => {
    tree = await householdVideoMme(join(folder, "tree"), { films: 2, clips: 3, kinds: ["display"] });
    // It looks at pictures, and has never read descriptions.
    for (const video of tree.videos) rmSync(join(tree.root, "data", `${video}.descriptions.srt`));
    writeFileSync(config, JSON.stringify({ torch: { threads: 1, maxTokens: 48 } }));
    cpSync(modelFolder("household-vl"), trained, { recursive: true });
    const weights = join(trained, "model.safetensors");
    writeFileSync(weights, slightlyOff(readFileSync(weights), "model.language_model.norm.weight"));
    const [writes, phaseOne] = await Promise.all([open(modelFolder("household-vl")), open(trained)]);
    models = { writes, phaseOne, answers: null, judges: null };
  });
  after(() => {
    for (const model of [models?.writes, models?.phaseOne]) (model as TorchModel | null)?.engine.close();
  });

  async function open(model: string): Promise<TorchModel> {
    const command = workerCommand("python" in torch ? torch.python : "");
    const engine = await openTorchEngine({ model, command, threads: 1, train: { kind: "vector" } });
    return torchModel(engine, folderPrompting(parseConfig({ model: { model: chosen.model } })));
  }

  /** The command as people run it. */
  const command = (
    name: BenchmarkName,
    root: string,
    runs: string,
    more: readonly string[],
    also: CliOptions,
  ) =>
    taskmem(
      [
        ...["bench", name, "--root", root, "--json", "--no-screen-text", "--updates", chosen.updates],
        ...["--model", chosen.model, "--phase-one", chosen.phaseOne, "--recipe", chosen.recipe],
        ...["--rows", chosen.rows, "--lesson-judge", chosen.lessonJudge, "--config", chosen.config],
        ...["--runs", join(folder, runs), "--run", name, ...more],
      ],
      { ...also, env: { TASKMEM_PYTHON: "python" in torch ? torch.python : "" } },
    );

  /** The same in this process, over the models that are open; stopped after so many answers. */
  async function bench(
    name: BenchmarkName,
    root: string,
    runs: string,
    stopAfter = Number.POSITIVE_INFINITY,
  ) {
    const stop = new AbortController();
    const said: Row[] = [];
    const ignore = () => {};
    const output: Output = {
      ...{ json: true, text: ignore, note: ignore, progress: ignore, waiting: ignore, row: ignore },
      ...{ dim: (text) => text, bold: (text) => text },
      object: (row) => {
        said.push(row as Row);
        if (said.filter(({ event }) => event === "bench-answer").length >= stopAfter) stop.abort();
      },
    };
    const resume = existsSync(join(folder, runs, name, "run.json"));
    const options = { ...chosen, root, runs: join(folder, runs), run: name, resume, screenText: false };
    const flags = { "model.model": chosen.model, screenText: false };
    const call = { output, flags, options, configFile: config, signal: stop.signal };
    await runBench(call, name, models).catch((error: unknown) => {
      if (!stop.signal.aborted) throw error;
    });
    return said;
  }
  const read = (runs: string, name: BenchmarkName, file: string) =>
    readFileSync(join(folder, runs, name, file), "utf8");
  const resultsOf = (runs: string, name: BenchmarkName) =>
    read(runs, name, "results.jsonl")
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Row);
  const assertSame = (name: BenchmarkName) => {
    for (const file of ["run.json", "results.jsonl", "summary.json"])
      assert.equal(read("stopped", name, file), read("whole", name, file), file);
  };

  const whole = (film: HouseholdFilm) => [{ film, fromSeconds: 0, atSeconds: 0 }];
  const videoMme = (): ShownTree => ({
    root: tree.root,
    streams: Object.fromEntries(tree.videos.map((video, i) => [video, whole(tree.films[i]!)])),
  });
  /** Who writes for each question of TaskMem's row, in order: Phase One's model, with what it learnt, or one after the other. */
  type Writers = readonly ("before" | "after" | "both")[];

  /** A whole run, whose rows each write with what they name, and of what the pictures show. */
  async function assertRows(name: BenchmarkName, { root, streams }: ShownTree, writers: Writers) {
    const said = await bench(name, root, "whole");
    const end = said.at(-1)!;
    assert.deepEqual([end.event, end.tasks, end.skipped], ["bench-end", writers.length, []]);
    assert.deepEqual(
      (end.rows as Row[]).filter(({ type }) => type === "all").map(({ label }) => label),
      ["base", "base + task prompt", "Phase One", "TaskMem (preferences)"],
    );
    const lesson = said.find(({ event }) => event === "bench-lesson")!;
    assert.equal(lesson.problem, null);
    assert.ok((lesson.pairs as number) > 0);
    const results = resultsOf("whole", name);
    const revisionsOf = (row: string) =>
      results.filter((result) => result.row === row).map(({ revisions }) => revisions as string[]);
    const [[base], [before]] = [revisionsOf("base")[0]!, revisionsOf("phase-one")[0]!] as [
      [string],
      [string],
    ];
    assert.match(base, /^model:torch:/);
    assert.match(before, /^model:torch:/);
    assert.notEqual(before, base);
    assert.match(revisionsOf("task-prompt").at(-1)!.at(-1)!, /\+prompt-/);
    const after = `${before}+${lesson.adapter}`;
    const parts = { before: [before], after: [after], both: [before, after] };
    assert.deepEqual(
      revisionsOf("taskmem"),
      writers.map((who) => parts[who]),
    );
    for (const row of rows) {
      const ofRow = results.filter((result) => result.row === row);
      const { sentences, wrong } = await told(join(folder, "whole", name), streams, ofRow);
      assert.ok(sentences > 4 && wrong <= sentences / 5, `${row}: ${wrong} of ${sentences} are wrong`);
    }
    return results;
  }

  test("Video-MME: each row tells what its pictures show, and a run killed after its lesson ends with the same bytes", async () => {
    await assertRows("videomme", videoMme(), ["before", "before", "after", "after"]);
    const killed = await command("videomme", tree.root, "stopped", [], {
      onLine: (line, child) => {
        if (line.includes('"bench-lesson"')) child.kill("SIGKILL");
      },
    });
    assert.equal(killed.code, null);
    assert.ok(!existsSync(join(folder, "stopped", "videomme", "results.jsonl")));
    const resumed = await command("videomme", tree.root, "stopped", ["--resume"], {});
    assert.equal(resumed.code, 0, resumed.stderr);
    assertSame("videomme");
    const lessons = readdirSync(join(folder, "stopped", "videomme", "lessons"));
    assert.equal(lessons.filter((name) => name.startsWith("lesson")).length, 1, "learnt once");
  });

  const others: readonly [BenchmarkName, typeof householdEgoLife, Writers][] = [
    ["egolife", householdEgoLife, ["before", "before", "both", "both"]],
    ["egotempo", householdEgoTempo, ["before", "before", "after", "after"]],
    ["m3bench", householdM3Bench, ["before", "before", "both", "after"]],
  ];
  for (const [name, make, writers] of others)
    test(`${name}: each row tells what its pictures show, and a run stopped among its answers ends with the same bytes`, async () => {
      const shown = make(join(folder, name), tree.films);
      const results = await assertRows(name, shown, writers);
      // The same lesson again would take as long as all that is left.
      const lessons = (runs: string) => join(folder, runs, name, "lessons");
      cpSync(lessons("whole"), lessons("stopped"), { recursive: true });
      await bench(name, shown.root, "stopped", 6);
      const found = resultsOf("stopped", name).length;
      assert.ok(found >= 6 && found < results.length, `${found} of ${results.length}`);
      const resumed = await bench(name, shown.root, "stopped");
      assert.equal(resumed.find(({ event }) => event === "bench-resume")!.done, found);
      assertSame(name);
    });

  test("refuses what a model in a folder cannot do, before it is asked anything", async () => {
    const again = await command("videomme", tree.root, "whole", [], {});
    assert.equal(again.code, 2);
    assert.match(again.stderr, /hold no run: resume it with --resume/);
    const judge = await command("videomme", tree.root, "other", ["--lesson-judge", "somebody"], {});
    assert.equal(judge.code, 2);
    assert.match(judge.stderr, /--lesson-judge to be local, encoder, model or questions, got somebody/);
  });
});

/** What memories of some results tell: sentences, and how many of them are not true of the clip. */
async function told(directory: string, streams: ShownTree["streams"], results: readonly Row[]) {
  const ids = new Map(results.map(({ memory, stream }) => [(memory as { id: string }).id, stream as string]));
  let [sentences, wrong] = [0, 0];
  for (const [id, stream] of ids) {
    const memory = await openSqliteMemory(join(directory, "memories", id), {
      ...{ words: wordSpace, embedder: localEmbedder, now: Date.now },
    });
    for (const { startSeconds, text } of await memory.entries({ streams: [stream] })) {
      const { film, atSeconds, fromSeconds } = streams[stream]!.findLast(
        (one) => one.atSeconds <= startSeconds,
      )!;
      const clip = Math.floor((startSeconds - atSeconds + fromSeconds) / 10);
      const read = readHouseholdMemory(text, film.episode.clips[clip]!.facts, []);
      sentences += read.sentences;
      wrong += read.wrong.length;
    }
    await memory.close();
  }
  return { sentences, wrong };
}

/** A file of weights in which one tensor of 16-bit numbers is up to a hundredth off. */
function slightlyOff(file: Buffer, tensor: string): Buffer {
  const length = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString("utf8", 8, 8 + length)) as Record<
    string,
    { data_offsets: number[] }
  >;
  const [from, to] = header[tensor]!.data_offsets as [number, number];
  const changed = Buffer.from(file);
  for (let at = 8 + length + from; at < 8 + length + to; at += 2) changed[at]! ^= 0b1000;
  return changed;
}
