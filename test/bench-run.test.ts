/** Benchmarks end to end: small rendered videos, watched, remembered, asked about, scored; killed and resumed. */
import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, type TestContext, test } from "node:test";
import { type CliOptions, type CliRun, type Row, taskmem, temporaryFolder } from "./support/cli.ts";
import { type HouseholdTree, householdVideoMme } from "./support/household-benchmark.ts";
import { inventedSubtitles, inventedVideo } from "./support/media.ts";
import { type OpenAiServer, type ServerRequest, startOpenAiServer } from "./support/openai-server.ts";

const folder = temporaryFolder();
let tree: HouseholdTree;
before(async () => {
  tree = await householdVideoMme(join(folder, "tree"));
});

interface Figures {
  tasks: number;
  right: number;
  abstained: number;
  errors: number;
  accuracy: number | null;
  coverage: number | null;
  precision: number | null;
}
interface Summary {
  counts: Record<string, number>;
  rows: Record<
    string,
    {
      overall: Figures;
      tokens: number;
      clips: { missed: number; unheard: number; lost: number };
      byType: Record<string, Figures>;
      byGroup: Record<string, Figures>;
    }
  >;
  missingRows: Record<string, string>;
  unreadable: Record<string, string>;
  againstBase: Record<string, { tasks: number; p: number }>;
}

interface BenchEnd {
  event: string;
  benchmark: string;
  tasks: number;
  skipped: unknown[];
  rows: {
    policy: string;
    budget: number | null;
    type: string;
    n: number;
    accuracy: number | null;
    coverage: number | null;
    precision: number | null;
    low: number | null;
    high: number | null;
  }[];
  paired: { first: string; second: string; n: number }[];
  config: { command: string };
  cost: { calls: number };
  run: string;
}

function bench(name: string, flags: readonly string[], options: CliOptions = {}): Promise<CliRun> {
  return taskmem(["bench", name, "--json", "--no-screen-text", ...flags], options);
}

const summaryOf = (run: CliRun) =>
  JSON.parse(readFileSync(join(String(run.rows.at(-1)!.run), "summary.json"), "utf8")) as Summary;
const clipsOf = (run: CliRun) =>
  Object.fromEntries(Object.entries(summaryOf(run).rows).map(([name, { clips }]) => [name, clips]));
const resultsOf = (directory: string): Row[] =>
  readFileSync(join(directory, "results.jsonl"), "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Row);

const files = ["run.json", "results.jsonl", "summary.json"];
function assertSameRun(one: string, other: string): void {
  for (const name of files)
    assert.equal(readFileSync(join(other, name), "utf8"), readFileSync(join(one, name), "utf8"), name);
}

/** The first two of three films. */
const used = 8;
const firstFilms = () => ["--root", tree.root, "--limit", String(used)];
const choiceFlags = () => [...firstFilms(), "--budget", ".2", "--updates", "2", "--run", "choice"];
const plain = join(folder, "plain");

test("without a model: every possible row", async () => {
  const run = await bench("videomme", [...choiceFlags(), "--runs", plain]);
  assert.equal(run.code, 0, run.stderr);
  const { rows, counts, missingRows, againstBase } = summaryOf(run);
  assert.deepEqual(Object.keys(rows), ["keep-nothing", "keep-all", "uniform", "base", "taskmem"]);
  assert.match(missingRows["task-prompt"]!, /reads no prompt/);
  assert.deepEqual(counts, { rows: tree.questions, skipped: 0, withoutMaterial: 0, used });
  for (const { overall, byType, byGroup } of Object.values(rows)) {
    assert.equal(overall.tasks, used);
    assert.equal(overall.errors, 0);
    assert.deepEqual(Object.keys(byType), ["wear", "place"]);
    assert.deepEqual(Object.keys(byGroup), ["short", "medium"]);
    if (overall.precision !== null)
      assert.ok(Math.abs(overall.accuracy! - overall.coverage! * overall.precision) < 1e-12);
  }
  const nothing = rows["keep-nothing"]!;
  assert.deepEqual([nothing.tokens, nothing.overall.accuracy, nothing.overall.coverage], [0, 0, 0]);
  const all = rows["keep-all"]!;
  assert.equal(all.overall.accuracy, 1, "all texts of a household hold every answer");
  for (const name of ["uniform", "base", "taskmem"]) {
    assert.ok(rows[name]!.tokens > 0 && rows[name]!.tokens < all.tokens, name);
    assert.ok(Math.abs(rows[name]!.tokens / rows.base!.tokens - 1) < 0.1, `${name}: budgets are equal`);
    assert.ok(rows[name]!.overall.accuracy! < 1, name);
  }
  assert.equal(againstBase.taskmem!.tasks, used);

  const end = run.rows.at(-1) as unknown as BenchEnd;
  assert.deepEqual(
    [end.event, end.benchmark, end.tasks, end.skipped, end.run, end.cost.calls],
    ["bench-end", "videomme", used, [], join(plain, "choice"), 0],
  );
  assert.match(end.config.command, /^taskmem bench videomme /);
  const budgets = end.rows.filter(({ type }) => type === "all").map(({ policy, budget }) => [policy, budget]);
  const share = end.rows.find(({ policy }) => policy === "base")!.budget;
  assert.deepEqual(budgets, [
    ["keep-nothing", 0],
    ["keep-all", 1],
    ["uniform", share],
    ["base", share],
    ["taskmem", share],
  ]);
  for (const { policy, type, n, accuracy, coverage, precision, low, high } of end.rows) {
    const { overall, byType } = rows[policy]!;
    const figures = type === "all" ? overall : byType[type]!;
    assert.deepEqual(
      [n, accuracy, coverage, precision],
      [figures.tasks, figures.accuracy, figures.coverage, figures.precision],
    );
    assert.ok(low! <= accuracy! && accuracy! <= high!);
  }
  assert.deepEqual(
    end.paired.map(({ first, second, n }) => [first, second, n]),
    [
      ...["keep-nothing", "keep-all", "uniform", "taskmem"].map((name) => [name, "base", used]),
      ...["keep-nothing", "keep-all", "uniform"].map((name) => ["taskmem", name, used]),
    ],
  );
});

test("--budget sets how much the rows of the choice policy keep", async () => {
  const rows = ["--rows", "keep-all,uniform,base"];
  const run = await bench("videomme", [...firstFilms(), ...rows, "--budget", ".1", "--runs", plain]);
  assert.equal(run.code, 0, run.stderr);
  const { rows: found } = summaryOf(run);
  for (const name of ["uniform", "base"]) {
    const share = found[name]!.tokens / found["keep-all"]!.tokens;
    assert.ok(share < 0.3, `${name} keeps ${share}`);
  }
  const end = run.rows.at(-1) as unknown as BenchEnd;
  assert.deepEqual(
    end.rows.filter(({ type }) => type === "all").map(({ budget }) => budget),
    [1, 0.1, 0.1],
  );
  assert.match(end.config.command, / --budget \.1 /);
});

test("--order and --group say which tasks come, and when", async () => {
  const tasksOf = async (...more: string[]) => {
    const flags = ["--root", tree.root, "--rows", "keep-nothing", "--runs", join(folder, "orders"), ...more];
    const run = await bench("videomme", flags);
    assert.equal(run.code, 0, run.stderr);
    return resultsOf(String(run.rows.at(-1)!.run));
  };
  const ids = (results: readonly Row[]) => results.map(({ task }) => task);
  const official = await tasksOf();
  const seeded = await tasksOf("--order", "seeded:3");
  assert.notDeepEqual(ids(seeded), ids(official));
  assert.deepEqual(ids(seeded).toSorted(), ids(official).toSorted());
  const short = await tasksOf("--group", "short");
  assert.ok(short.length > 0 && short.length < official.length);
  assert.deepEqual(ids(short), ids(official.filter(({ group }) => group === "short")));
});

test("the protocol: the first tasks have the untouched policy, later ones one that learned; a video keeps its memory", () => {
  const results = resultsOf(join(plain, "choice")).filter(({ row }) => row === "taskmem");
  assert.equal(results.length, used);
  const revisionOf = new Map<string, string>();
  for (const { place, policy, revisions, stream, types } of results as unknown as {
    place: number;
    policy: string;
    revisions: string[];
    stream: string;
    types: string[];
  }[]) {
    assert.equal(policy, place < 2 ? "base" : `${types[0]}/2`);
    const video = `${stream} ${types[0]}`;
    const earlier = revisionOf.get(video);
    if (earlier !== undefined) assert.equal(revisions.join(), earlier);
    else
      assert.equal(
        revisions.some((revision) => revision.includes("+")),
        place >= 2,
        "learned where it is new",
      );
    revisionOf.set(video, revisions.join());
  }
});

test("what a run leaves holds ids and hashes, no questions", () => {
  const directory = join(plain, "choice");
  const text = files.map((name) => readFileSync(join(directory, name), "utf8")).join();
  const rows = JSON.parse(readFileSync(join(tree.root, "videomme.json"), "utf8")) as { question: string }[];
  for (const { question } of rows) assert.ok(!text.includes(question), question);
  const run = JSON.parse(readFileSync(join(directory, "run.json"), "utf8")) as Row;
  assert.match(
    String(run.command),
    /^taskmem bench videomme --root \S+ --budget \.2 --updates 2 --limit 8 --no-screen-text$/,
  );
  assert.match((run.annotations as { sha256: string }[])[0]!.sha256, /^[0-9a-f]{64}$/);
  assert.ok(!existsSync(join(directory, "scratch")));
});

test("a run killed again and again ends with the same bytes", async () => {
  const runs = join(folder, "killed");
  const flags = [...choiceFlags(), "--runs", runs];
  for (const after of [3, 14, 30]) {
    const run = await bench("videomme", [...flags, "--resume"], {
      onLine: (line, child) => {
        if (Number((JSON.parse(line) as Row).done) >= after) child.kill("SIGKILL");
      },
    });
    assert.notEqual(run.code, 0);
    const { length } = resultsOf(join(runs, "choice"));
    assert.ok(length >= after && length < 5 * used, `${length} results`);
  }
  // A line that a kill cut short.
  const path = join(runs, "choice", "results.jsonl");
  writeFileSync(path, `${readFileSync(path, "utf8")}{"row":"taskmem","ta`);
  const last = await bench("videomme", [...flags, "--resume"]);
  assert.equal(last.code, 0, last.stderr);
  assertSameRun(join(plain, "choice"), join(runs, "choice"));
});

test("a run is not overwritten by chance, nor resumed as another", async () => {
  const again = await bench("videomme", [...choiceFlags(), "--runs", plain]);
  assert.equal(again.code, 2);
  assert.match(again.stderr, /resume it with --resume, or name another with --run/);
  const other = await bench("videomme", [...choiceFlags(), "--runs", plain, "--resume", "--seed", "2"]);
  assert.equal(other.code, 2);
  assert.match(other.stderr, /its protocol, rows are another's: name another with --run/);
  const elsewhere = [...choiceFlags(), "--runs", plain, "--resume"].map((flag) =>
    flag === tree.root ? `${tree.root}/.` : flag,
  );
  const spelt = await bench("videomme", elsewhere);
  assert.equal(spelt.code, 0, spelt.stderr);
});

test("wrong flags are refused before anything is watched", async () => {
  const root = ["--root", tree.root];
  const cases: [string[], RegExp][] = [
    [[], /Expected --root with the folder of videomme's files/],
    [[...root, "--updates", "10,5"], /--updates to be none, or counts that ascend/],
    [[...root, "--order", "random"], /--order to be official or seeded:<n>/],
    [[...root, "--variant", "oracle"], /--variant oracle with egolife/],
    [[...root, "--rows", "base,best"], /--rows to name some of keep-nothing/],
    [[...root, "--rows", "task-prompt"], /cannot be run: the choice policy picks/],
    [[...root, "--policy", "engine"], /model\.baseUrl/],
    [[...root, "--seed", "x"], /--seed to be a whole number/],
    [[...root, "--lang", "zh"], /unknown option '--lang'/],
    [[...root, "--group", "short,tiny"], /--group to name some of short, medium, long, got short,tiny/],
    [[...root, "--run", "../elsewhere"], /--run to be a name of letters/],
    [[...root, "--limit", "0"], /--limit to be a whole number from 1 up/],
    [[...root, "--votes", "0"], /--votes to be a whole number from 1 up/],
    [[...root, "--judge-model", "grades"], /--base-url for the model grades, got none/],
    [[...root, "--memory", "kept"], /unknown option '--memory'/],
    [[...root, "short"], /too many arguments for 'videomme'.* got 1: short/],
  ];
  for (const [flags, message] of cases) {
    const run = await bench("videomme", flags);
    assert.equal(run.code, 2, flags.join(" "));
    assert.match(run.stderr, message);
  }
});

test("missing videos and damaged ones cost their questions, not the run", async () => {
  const root = join(folder, "holes");
  mkdirSync(join(root, "data"), { recursive: true });
  copyFileSync(join(tree.root, "videomme.json"), join(root, "videomme.json"));
  copyFileSync(join(tree.root, "data", `${tree.videos[0]}.mp4`), join(root, "data", `${tree.videos[0]}.mp4`));
  copyFileSync(
    join(tree.root, "data", `${tree.videos[0]}.descriptions.srt`),
    join(root, "data", `${tree.videos[0]}.descriptions.srt`),
  );
  writeFileSync(join(root, "data", `${tree.videos[1]}.mp4`), "no video at all");
  const run = await bench("videomme", [
    "--root",
    root,
    "--rows",
    "keep-all",
    "--runs",
    join(root, "runs"),
    "--run",
    "r",
  ]);
  assert.equal(run.code, 0, run.stderr);
  const perVideo = tree.questions / 3;
  const { counts, rows } = summaryOf(run);
  assert.deepEqual(counts, {
    rows: tree.questions,
    skipped: 0,
    withoutMaterial: perVideo,
    used: 2 * perVideo,
  });
  assert.equal(rows["keep-all"]!.overall.errors, perVideo);
  assert.equal(rows["keep-all"]!.overall.right, perVideo);
  assert.match(run.stderr, new RegExp(`no video of ${tree.videos[2]}`));
  assert.match(run.stderr, /official \(json\) in videomme\.json, \d+ of \d+ questions, 2 of 3 videos/);
  assert.deepEqual(Object.keys(summaryOf(run).unreadable), [tree.videos[1]]);
  assert.ok(summaryOf(run).unreadable[tree.videos[1]!]!.includes(`${tree.videos[1]}.mp4`));
  const failed = resultsOf(join(root, "runs", "r")).filter(({ outcome }) => outcome === "error");
  assert.ok(failed.every(({ stream, problem }) => stream === tree.videos[1] && String(problem).length > 20));
  // The video was cut short: with a whole one the run resumes.
  for (const name of [`${tree.videos[1]}.mp4`, `${tree.videos[1]}.descriptions.srt`])
    copyFileSync(join(tree.root, "data", name), join(root, "data", name));
  const mended = await bench("videomme", [
    ...["--root", root, "--rows", "keep-all", "--runs", join(root, "runs"), "--run", "r", "--resume"],
  ]);
  assert.equal(mended.code, 0, mended.stderr);
  assert.match(mended.stderr, new RegExp(`tried again: ${perVideo} with an unreadable video`));
  const { overall } = summaryOf(mended).rows["keep-all"]!;
  assert.deepEqual([overall.errors, overall.right], [0, 2 * perVideo]);

  mkdirSync(join(root, "empty"));
  const none = await bench("videomme", [
    "--root",
    join(root, "empty"),
    "--annotations",
    join(tree.root, "videomme.json"),
  ]);
  assert.equal(none.code, 3);
  assert.match(none.stderr, /nothing is downloaded/);
});

test("runs are drawn as one self-contained page, and as Markdown", async () => {
  const run = await taskmem([
    "bench",
    "report",
    join(plain, "choice"),
    "--json",
    "--out",
    join(folder, "page"),
  ]);
  assert.equal(run.code, 0, run.stderr);
  const html = readFileSync(join(folder, "page", "report.html"), "utf8");
  assert.equal(html.match(/<svg /g)!.length, 3);
  assert.doesNotMatch(html, /<script|<link|<img|@import|url\(|https?:/);
  for (const text of [html, readFileSync(join(folder, "page", "report.md"), "utf8")]) {
    for (const said of [
      "keep nothing",
      "TaskMem",
      "paper: GPT-5.2",
      "67.3",
      "What differs from the paper",
      "lexical@2",
    ])
      assert.ok(text.includes(said), said);
  }
  const none = await taskmem(["bench", "report", tree.root]);
  assert.equal(none.code, 3);
  assert.match(none.stderr, /found no run\.json and results\.jsonl/);
  assert.equal((await taskmem(["bench", "report"])).code, 2);
});

// With a model.

async function start(t: TestContext): Promise<OpenAiServer> {
  const server = await startOpenAiServer({ models: ["eyes", "answers", "grades"] });
  t.after(() => server.close());
  return server;
}

const modelFlags = ({ baseURL }: OpenAiServer) => ["--base-url", baseURL, "--model", "eyes"];
/** What an endpoint is asked at the start, to learn what it can. */
const probes = ({ requests }: OpenAiServer) =>
  requests.filter(({ text }) => text.startsWith("Answer with the JSON object"));
const isAsking = ({ text }: ServerRequest) => text.includes("Reason first.");

test("with a model: it writes, another answers, raw answers are kept, and no picture reaches the answerer", async (t) => {
  const server = await start(t);
  server.setFaults((request) => {
    if (!isAsking(request)) return undefined;
    const question = /Question: (.*)/.exec(request.text)![1]!;
    const letter = "ABCDE"[question.length % 5]!;
    return { kind: "content", content: `As the memory says, A is unlikely.\nAnswer: ${letter}` };
  });
  const runs = join(folder, "model");
  const flags = [
    ...firstFilms(),
    "--runs",
    runs,
    "--run",
    "m",
    "--updates",
    "2",
    "--answer-model",
    "answers",
  ];
  const rows = ["--rows", "base,best-of-n,words,task-prompt"];
  const run = await bench("videomme", [...flags, ...rows, ...modelFlags(server)]);
  assert.equal(run.code, 0, run.stderr);
  const asked = server.requests.filter(isAsking);
  assert.equal(asked.length, used, "all rows wrote the same here: each question is asked once");
  for (const { body, pictures, text } of asked) {
    assert.equal(body.model, "answers");
    assert.equal(pictures.length, 0);
    assert.ok(text.includes("<memory>") && !text.includes("(nothing was kept)"));
  }
  const withPictures = server.requests.filter(({ pictures }) => pictures.length > 0);
  const writing = withPictures.filter(({ body }) => body.model === "eyes");
  assert.ok(withPictures.length - writing.length <= 1, "the answerer is at most asked once what it can");
  const hinted = writing.filter(({ text }) => text.includes("questions such as these"));
  assert.ok(hinted.length > 0 && hinted.length < writing.length);
  // By words one of eight samples is picked once there are questions; the control draws as many from the start.
  const { rows: figures } = summaryOf(run);
  assert.deepEqual(Object.keys(figures), ["base", "best-of-n", "words", "task-prompt"]);
  const results = resultsOf(join(runs, "m"));
  const written = (row: string) =>
    new Set(results.filter((result) => result.row === row).flatMap(({ revisions }) => revisions as string[]));
  assert.match([...written("best-of-n")].join(), /^best-of-8@1:model:[^+]*$/);
  const adapted = [...written("words")].filter((revision) => revision.startsWith("best-of-8@1:"));
  assert.ok(adapted.length > 0 && adapted.every((revision) => revision.includes("+")));
  assert.ok(writing.filter(({ body }) => body.n === 8).length >= 12, "two films of six clips");

  const letters = new Map(
    (
      JSON.parse(readFileSync(join(tree.root, "videomme.json"), "utf8")) as {
        question_id: string;
        question: string;
        answer: string;
      }[]
    ).map(({ question_id, question, answer }) => [
      question_id,
      { letter: "ABCDE"[question.length % 5]!, answer },
    ]),
  );
  for (const { task, outcome, answer, raw, prompts, accesses } of resultsOf(join(runs, "m"))) {
    const { letter, answer: gold } = letters.get(String(task))!;
    assert.equal(outcome, letter === "E" ? "abstained" : letter === gold ? "right" : "wrong");
    assert.equal(answer, letter === "E" ? null : letter);
    assert.deepEqual(raw, [`As the memory says, A is unlikely.\nAnswer: ${letter}`]);
    assert.match((prompts as string[])[0]!, /^[0-9a-f]{64}$/);
    assert.ok((accesses as string[]).every((access) => !access.startsWith("refused")));
  }
  // The answerer says the same to the same memory: asked once, it is not paid again.
  const book = readFileSync(join(runs, "m", "cost.jsonl"), "utf8")
    .trim()
    .split("\n");
  const { cost } = run.rows.at(-1) as { cost: Row };
  assert.equal(cost.calls, server.requests.length - probes(server).length);
  assert.equal(
    book.map((line) => JSON.parse(line) as Row).filter(({ on }) => on === "answer").length,
    asked.length,
  );
});

test("an outage stops the run, and it resumes there with the same result", async (t) => {
  const server = await start(t);
  const answers = (request: ServerRequest) =>
    isAsking(request) ? ({ kind: "content", content: "Answer: B" } as const) : undefined;
  server.setFaults(answers);
  const flags = [...firstFilms(), "--updates", "none", "--rows", "base", ...modelFlags(server)];
  const config = join(folder, "impatient.json");
  writeFileSync(config, JSON.stringify({ model: { maxRetries: 0, concurrency: 2 } }));
  const whole = await bench("videomme", [
    ...flags,
    "--config",
    config,
    "--runs",
    join(folder, "whole"),
    "--run",
    "o",
  ]);
  assert.equal(whole.code, 0, whole.stderr);
  let left = 5;
  server.setFaults((request) => {
    if (isAsking(request) && left-- <= 0) return { kind: "status", status: 503 };
    return answers(request);
  });
  const broken = [...flags, "--config", config, "--runs", join(folder, "broken"), "--run", "o"];
  const first = await bench("videomme", broken);
  assert.equal(first.code, 4, first.stderr);
  assert.match(first.stderr, /stopped; the same command with --resume continues the run in/);
  server.setFaults(answers);
  const second = await bench("videomme", [...broken, "--resume"]);
  assert.equal(second.code, 0, second.stderr);
  assertSameRun(join(folder, "whole", "o"), join(folder, "broken", "o"));
});

test("clips that the endpoint failed at are written by a resumed run as if it had not failed; refused ones stay refused", async (t) => {
  const server = await start(t);
  const runFrom = (seconds: string) => `The clip runs from ${seconds} to`;
  const faulty = (fails: readonly string[]) => (request: ServerRequest) => {
    if (isAsking(request)) {
      const kept = request.text.match(/pictures were shown/g)?.length ?? 0;
      return { kind: "content", content: `Answer: ${"ABCD"[kept % 4]}` } as const;
    }
    if (fails.some((at) => request.text.includes(runFrom(at))))
      return { kind: "status", status: 503 } as const;
    if (request.text.includes(runFrom("00:00:40"))) return { kind: "status", status: 400 } as const;
    return undefined;
  };
  const config = join(folder, "no-retries.json");
  writeFileSync(config, JSON.stringify({ model: { maxRetries: 0, concurrency: 2 } }));
  const flags = [...firstFilms(), "--updates", "2", "--rows", "base,words", ...modelFlags(server)];
  const runIn = (place: string, ...more: string[]) =>
    bench("videomme", [...flags, "--config", config, "--runs", join(folder, place), "--run", "f", ...more]);

  server.setFaults(faulty([]));
  const sound = await runIn("sound");
  assert.equal(sound.code, 0, sound.stderr);
  server.setFaults(faulty(["00:00:10", "00:00:50"]));
  const faults = await runIn("faulty");
  assert.equal(faults.code, 0, faults.stderr);
  assert.match(faults.stdout + faults.stderr, /"missed":4/);
  const { missed, lost } = clipsOf(faults).base!;
  assert.deepEqual([missed, lost], [2 * 2, 2], "of two films");

  server.setFaults(faulty([]));
  const before = server.requests.length;
  const mended = await runIn("faulty", "--resume");
  assert.equal(mended.code, 0, mended.stderr);
  const reasons = { missed: 2 * used, unheard: 0, unreadable: 0, answerer: 0, judge: 0 };
  assert.deepEqual(
    mended.rows.find(({ event }) => event === "bench-resume"),
    { event: "bench-resume", done: 0, again: 2 * used, reasons },
  );
  assert.match(mended.stderr, /16 questions are tried again: 16 with missing clips/);
  assert.deepEqual(clipsOf(mended).base, { missed: 0, unheard: 0, lost: 2 });
  const asked = server.requests.slice(before).map(({ text }) => text);
  assert.ok(asked.some((text) => text.includes(runFrom("00:00:10"))));
  assert.ok(
    !asked.some((text) => text.includes(runFrom("00:00:00"))),
    "what was written before is not paid again",
  );
  assertSameRun(join(folder, "sound", "f"), join(folder, "faulty", "f"));
});

test("a question without an answer costs only itself, until the run is resumed", async (t) => {
  const server = await start(t);
  const hopeless = (request: ServerRequest, name: string) => request.text.includes(name);
  const rows = JSON.parse(readFileSync(join(tree.root, "videomme.json"), "utf8")) as { question: string }[];
  const [first, , third] = rows.map(({ question }) => `Question: ${question}\n`);
  const answers = (request: ServerRequest) =>
    isAsking(request) ? ({ kind: "content", content: "Answer: B" } as const) : undefined;
  const config = join(folder, "hopeless.json");
  writeFileSync(config, JSON.stringify({ model: { maxRetries: 0, concurrency: 1 } }));
  const flags = [...firstFilms(), "--updates", "none", "--rows", "base", "--config", config];
  const runIn = (place: string, ...more: string[]) =>
    bench("videomme", [
      ...[...flags, ...modelFlags(server), "--runs", join(folder, place), "--run", "h"],
      ...["--votes", "2", ...more],
    ]);
  server.setFaults(answers);
  const sound = await runIn("all-answered");
  assert.equal(sound.code, 0, sound.stderr);

  // One is answered once and not again, the other never.
  let left = 1;
  server.setFaults((request) => {
    if (!isAsking(request)) return undefined;
    if (hopeless(request, third!) || (hopeless(request, first!) && left-- <= 0)) return { kind: "malformed" };
    return answers(request);
  });
  const faulty = await runIn("not-all");
  assert.equal(faulty.code, 0, faulty.stderr);
  assert.equal(summaryOf(faulty).rows.base!.overall.errors, 2);
  server.setFaults(answers);
  const before = server.requests.length;
  const mended = await runIn("not-all", "--resume");
  assert.equal(mended.code, 0, mended.stderr);
  assert.match(mended.stderr, /6 results kept; 2 questions are tried again: 2 without an answer/);
  assert.equal(server.requests.slice(before).filter(isAsking).length, 3, "of four answers one was there");
  assertSameRun(join(folder, "all-answered", "h"), join(folder, "not-all", "h"));
});

test("open answers are graded by a judge; a grade that cannot be used is an error", async (t) => {
  const server = await start(t);
  const root = join(folder, "tempo");
  mkdirSync(join(root, "v2", "full_scale"), { recursive: true });
  const recording = "aaaa-1111";
  inventedVideo(join(root, "v2", "full_scale"), 24, { name: recording, subtitles: false });
  const row = (n: number, clip: string) => ({
    question_id: `${clip}_${n}`,
    clip_id: clip,
    question_type: n < 2 ? "counting objects" : "object sequence",
    question: `Made-up question ${n}?`,
    answer: `Gold ${n}.`,
  });
  const clips = [`${recording}_0_11`, `${recording}_12.5_23.5`, "bbbb-2222_0_9"];
  const annotations = [...[0, 1, 2, 3].map((n) => row(n, clips[n % 2]!)), row(4, clips[2]!)];
  writeFileSync(join(root, "egotempo_openQA.json"), JSON.stringify({ info: {}, annotations }));
  server.setFaults(({ text }) => {
    if (text.includes("<answer_to_grade>")) {
      if (text.includes("Gold 2")) return { kind: "content", content: "hard to say" };
      const correct = text.includes("Gold 0");
      return { kind: "content", content: JSON.stringify({ reason: "so", correct, score: correct ? 4 : 1 }) };
    }
    const asked = /Made-up question (\d)/.exec(text)?.[1];
    if (asked === undefined) return undefined;
    const said = asked === "3" ? "Insufficient Information." : `Something ${asked}.`;
    return { kind: "content", content: `I think.\nAnswer: ${said}` };
  });
  const run = await bench("egotempo", [
    ...[
      "--root",
      root,
      "--runs",
      join(root, "runs"),
      "--run",
      "t",
      "--rows",
      "base",
      "--judge-model",
      "grades",
    ],
    ...modelFlags(server),
  ]);
  assert.equal(run.code, 0, run.stderr);
  const outcomes = Object.fromEntries(
    resultsOf(join(root, "runs", "t")).map(({ task, outcome }) => [String(task).at(-1)!, outcome]),
  );
  assert.deepEqual(outcomes, { 0: "right", 1: "wrong", 2: "error", 3: "abstained" });
  const { accuracy, coverage, precision, errors } = summaryOf(run).rows.base!.overall;
  assert.deepEqual([accuracy, coverage, precision, errors], [0.25, 0.5, 0.5, 1]);
  assert.ok(
    server.requests
      .filter(({ text }) => text.includes("<answer_to_grade>"))
      .every(({ body }) => body.model === "grades"),
  );
  assert.equal(readFileSync(join(root, "runs", "t", "missing-recordings.txt"), "utf8"), "bbbb-2222\n");
  // Another row gives the same answers: none is graded twice, and none is paid twice.
  const before = server.requests.length;
  const two = await bench("egotempo", [
    ...["--root", root, "--runs", join(root, "runs"), "--run", "two", "--judge-model", "grades"],
    ...["--rows", "base,keep-nothing", ...modelFlags(server)],
  ]);
  assert.equal(two.code, 0, two.stderr);
  const graded = server.requests
    .slice(before)
    .filter(({ text }) => text.includes("<answer_to_grade>"))
    .map(({ body }) => JSON.stringify(body));
  assert.ok(graded.length > 0);
  assert.equal(new Set(graded).size, graded.length);
  const byRow = Object.groupBy(resultsOf(join(root, "runs", "two")), ({ row }) => String(row));
  assert.deepEqual(
    byRow["keep-nothing"]!.map(({ judgement }) => judgement),
    byRow.base!.map(({ judgement }) => judgement),
  );
  const voting = await bench("egotempo", ["--root", root, "--votes", "3", ...modelFlags(server)]);
  assert.equal(voting.code, 2);
  assert.match(voting.stderr, /Expected no --votes with egotempo: its questions are open/);
});

test("M3-Bench: robots are asked while they watch, the web after it, half of the videos missing", async (t) => {
  const server = await start(t);
  const root = join(folder, "m3");
  const videos = join(root, "videos", "robot");
  mkdirSync(videos, { recursive: true });
  for (const name of ["kitchen_99", "wwww4"]) inventedVideo(videos, 30, { name, subtitles: false });
  const qa = (question_id: string, type: string[], rest: Row = {}) => ({
    ...{ question: `What is in ${question_id}?`, answer: "Tea.", reasoning: "", question_id, type },
    ...rest,
  });
  const [one, two] = ["Cross-Modal Reasoning", "Multi-Hop Reasoning"];
  const robot = {
    kitchen_99: {
      video_path: "data/videos/robot/kitchen_99.mp4",
      qa_list: [
        qa("k-2", [one, two], { timestamp: "00:25", before_clip: 0 }),
        qa("k-1", [two], { timestamp: "00:12", before_clip: 0 }),
      ],
    },
    bedroom_99: { video_path: "bedroom_99.mp4", qa_list: [qa("b-1", [one], { timestamp: "00:10" })] },
  };
  const web = {
    wwww4: { video_url: "https://example.org", qa_list: [qa("w-1", [one])] },
    wwww5: { video_url: "https://example.org", qa_list: [qa("w-2", [one])] },
  };
  writeFileSync(join(root, "robot.json"), JSON.stringify(robot));
  writeFileSync(join(root, "web.json"), JSON.stringify(web));
  server.setFaults(({ text }) => {
    if (text.includes("<answer_to_grade>"))
      return { kind: "content", content: JSON.stringify({ reason: "so", correct: true, score: 5 }) };
    return text.includes("Reason first.") ? { kind: "content", content: "I think.\nAnswer: Tea" } : undefined;
  });
  const flags = ["--root", root, "--runs", join(root, "runs"), "--run", "m3", "--rows", "uniform,base,words"];
  const run = await bench("m3bench", [...flags, "--updates", "1", ...modelFlags(server)]);
  assert.equal(run.code, 0, run.stderr);
  assert.match(run.stderr, /no video of bedroom_99, wwww5/);
  const { counts, rows } = summaryOf(run);
  assert.deepEqual(counts, { rows: 5, skipped: 0, withoutMaterial: 2, used: 3 });
  const { byType, byGroup } = rows.base!;
  const tasksOf = (figures: Record<string, { tasks: number }>) =>
    Object.entries(figures).map(([name, { tasks }]) => [name, tasks]);
  assert.deepEqual(Object.fromEntries(tasksOf(byType)), { [one!]: 2, [two!]: 2 });
  assert.deepEqual(Object.fromEntries(tasksOf(byGroup)), { robot: 2, web: 1 });
  const results = resultsOf(join(root, "runs", "m3")).filter(({ row }) => row === "base");
  assert.deepEqual(
    Object.fromEntries(results.map(({ task, memory }) => [task, (memory as { entries: number }).entries])),
    { "k-1": 1, "k-2": 2, "w-1": 3 },
    "clips of 10 s that were over when it was asked",
  );
  const shown = server.requests
    .filter(isAsking)
    .map(({ text }) => /asked at (\S+)\./.exec(text)?.[1] ?? null);
  assert.deepEqual(new Set(shown), new Set(["00:00:12", "00:00:25", null]));
});

test("EgoLife's questions are asked three times where a model answers, as in the released code", async (t) => {
  const server = await start(t);
  server.setFaults((request) =>
    isAsking(request)
      ? { kind: "content", content: `Answer: ${"ABB"[Number(request.body.seed ?? 0)]}` }
      : undefined,
  );
  const root = join(folder, "votes");
  const day = join(root, "A1_JAKE", "DAY1");
  mkdirSync(day, { recursive: true });
  inventedVideo(day, 30, { name: "DAY1_A1_JAKE_11000000", subtitles: false });
  const row = {
    ...{ ID: "1", type: "EntityLog", question: "Where is the lantern?", answer: "B" },
    ...{ query_time: { date: "DAY1", time: "11003500" }, target_time: { date: "DAY1", time: "11000500" } },
    ...{ choice_a: "cellar", choice_b: "attic", choice_c: "garage", choice_d: "pantry" },
  };
  writeFileSync(join(root, "EgoLifeQA_A1_JAKE.json"), JSON.stringify([row]));
  const flags = ["--root", root, "--runs", join(root, "runs"), "--run", "v", "--rows", "base"];
  const run = await bench("egolife", [...flags, ...modelFlags(server)]);
  assert.equal(run.code, 0, run.stderr);
  const [result] = resultsOf(join(root, "runs", "v"));
  assert.deepEqual([(result!.raw as string[]).length, result!.answer, result!.outcome], [3, "B", "right"]);
});

test("EgoLife's questions come at their times, in no other order", async () => {
  const run = await bench("egolife", ["--root", tree.root, "--order", "seeded:2"]);
  assert.equal(run.code, 2);
  assert.match(run.stderr, /Expected --order official with egolife, got seeded:2: all its questions/);
});

test("without a usable question the error names the file, not the videos", async () => {
  const root = join(folder, "no-questions");
  mkdirSync(root);
  writeFileSync(join(root, "egotempo_openQA.json"), "[]");
  const run = await bench("egotempo", ["--root", root]);
  assert.equal(run.code, 3);
  assert.match(
    run.stderr,
    /No question of egotempo can be used: none of the 0 rows in \S+egotempo_openQA\.json/,
  );
});

test("a day asked at its times: nothing later is seen, in the full stream and around the evidence", async () => {
  const root = join(folder, "ego");
  const day = join(root, "A1_JAKE", "DAY1");
  mkdirSync(day, { recursive: true });
  mkdirSync(join(root, "EgoLifeQA"));
  // Four files of 30 s from 11:00:00 on; sentences are numbered from 1 in each and placed by their file.
  for (const [i, name] of ["11000000", "11003000", "11010000", "11020000"].entries()) {
    inventedVideo(day, 30, { name: `DAY1_A1_JAKE_${name}`, subtitles: false });
    writeFileSync(
      join(day, `DAY1_A1_JAKE_${name}.srt`),
      inventedSubtitles(30, 4, `ego ${i}`).replaceAll("number", `file ${i} number`),
    );
  }
  const ask = (ID: string, time: string, target: string) => ({
    ...{
      ID,
      type: "EntityLog",
      query_time: { date: "DAY1", time },
      target_time: { date: "DAY1", time: target },
    },
    question: "Where is the lantern?",
    ...{ choice_a: "cellar", choice_b: "attic", choice_c: "garage", choice_d: "pantry", answer: "A" },
  });
  const rows = [
    ask("1", "11003500", "11000500"),
    ask("2", "11013000", "11004000"),
    ask("3", "11023000", "11010500"),
  ];
  writeFileSync(join(root, "EgoLifeQA", "EgoLifeQA_A1_JAKE.json"), JSON.stringify(rows));
  for (const variant of ["full-stream", "oracle"]) {
    const runs = join(root, "runs");
    const flags = ["--root", root, "--runs", runs, "--run", variant, "--variant", variant];
    const run = await bench("egolife", [...flags, "--rows", "keep-all,base,taskmem", "--updates", "1"]);
    assert.equal(run.code, 0, run.stderr);
    const all = resultsOf(join(runs, variant)).filter(({ row }) => row === "keep-all");
    const entries = all.map(({ memory }) => (memory as { entries: number }).entries);
    // Seven sentences a file. Whole decisions of 30 s before 11:00:35, 11:01:30 and 11:02:30.
    assert.deepEqual(entries, [7, 21, 28], variant);
    const adapted = resultsOf(join(runs, variant)).filter(({ row }) => row === "taskmem");
    const writers = adapted.map(({ revisions }) => (revisions as string[]).map((name) => name.includes("+")));
    assert.deepEqual(
      writers,
      variant === "oracle" ? [[false], [true], [true]] : [[false], [false, true], [false, true]],
    );
  }
});
