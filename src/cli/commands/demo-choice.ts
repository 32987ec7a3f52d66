/**
 * `taskmem demo --policy choice`: both loops on a simulated household, without a model.
 *
 * One film is watched and its user asks about one kind of thing only. The questions become an adapter. A second film
 * is then watched twice with the same token budget, without and with what was learned, and both memories are asked about everything.
 */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Answer } from "../../answer/answer.ts";
import { wordSpace } from "../../engines/local/index.ts";
import { ConfigError } from "../../errors.ts";
import {
  askAbout,
  createEpisode,
  type FactKind,
  factKinds,
  type HouseholdQuestion,
  renderEpisode,
} from "../../household/index.ts";
import { measuredEpisodes, seedOf } from "../../household/splits.ts";
import { openConfiguredSource } from "../../taskmem/assembly.ts";
import { openTaskMem, type TaskMem } from "../../taskmem.ts";
import { seededRandom } from "../../util/random.ts";
import { formatSeconds } from "../../util/time.ts";
import type { Invocation } from "../invocation.ts";
import { adaptEnd, printResult } from "../learn.ts";
import type { Output } from "../output.ts";
import { watchPrinter } from "./watch.ts";

interface DemoFlags {
  readonly seed?: number;
  readonly clips?: number;
  readonly kind?: string;
  readonly keep?: string;
}

const asked: Record<FactKind, string> = {
  place: "where things were put",
  wear: "what people wear",
  speech: "what was said",
  display: "what displays show",
  activity: "who does what where",
};
/** Questions about the first film, and about each kind in the second. */
const tasksAsked = 16;
const questionsPerKind = 10;
/** Answers about the second film that are printed. */
const examples = 3;

export async function run({ output, signal, options }: Invocation): Promise<void> {
  const { seed = 1, clips = 24, kind = "wear", keep } = options as DemoFlags;
  if (clips < 3) throw new ConfigError("clips-few", `Expected --clips to be 3 or more, got ${clips}`);
  if (!isKind(kind)) {
    throw new ConfigError(
      "kind-unknown",
      `Expected --kind to be one of ${factKinds.join(", ")}, got ${kind}`,
    );
  }
  const directory = keep === undefined ? await mkdtemp(join(tmpdir(), "taskmem-demo-")) : resolve(keep);
  requireFree(directory);
  // The demo learns at one moment only, shown below.
  const open = (name: string) =>
    openTaskMem({
      directory: join(directory, name),
      policy: "choice",
      screenText: false,
      choice: { budget: 0.2 },
      adapt: { auto: false },
    });
  const film = async (name: string, n: number) => {
    const episode = createEpisode(seedOf(measuredEpisodes.demoChoice, n), clips);
    const questions = askAbout(episode, seededRandom(`demo ${n}`), {
      perKind: Math.max(tasksAsked, questionsPerKind),
    });
    const { video } = await renderEpisode(episode, directory, { name, questions, signal });
    return { video, questions };
  };
  try {
    output.text(
      output.bold(
        `A household is filmed for ${clips * 10} s, watched, and remembered with a fifth of the words`,
      ),
      "",
    );
    const first = await film("first", 2 * seed);
    await using memory = await open("memory");
    await watch(memory, first.video, output, { shows: true, signal });

    output.text("", output.bold(`Its user asks about one thing only: ${asked[kind]}`), "");
    const ofKind = first.questions.filter((question) => question.kind === kind).slice(0, tasksAsked);
    for (const question of ofKind) {
      const answer = await memory.ask({ text: question.text, options: question.options }, { signal });
      printAnswer(output, question, answer);
    }

    output.text("", output.bold("The questions teach the policy what to remember"), "");
    const result = await memory.learn({ method: "preferences", signal });
    const { run: _, ...event } = adaptEnd(result) as ReturnType<typeof adaptEnd> & { run?: unknown };
    output.object(event);
    printResult(output, result);

    output.text(
      "",
      output.bold("Another day is filmed and watched twice: as before, and with what was learned"),
      "",
    );
    const second = await film("second", 2 * seed + 1);
    const questions = factKinds.flatMap((each) =>
      second.questions.filter((question) => question.kind === each).slice(0, questionsPerKind),
    );
    const rows: Row[] = [];
    await using before = await open("memory-before");
    for (const [policy, day] of [
      ["before", before],
      ["learnt", memory],
    ] as const) {
      await watch(day, second.video, output, { shows: false, signal });
      rows.push(await score(output, policy, day, questions, { kind, signal }));
    }
    printTable(output, rows, kind, result.activated);
    printNext(output, keep === undefined ? null : directory);
    output.object({
      event: "demo-end",
      kind,
      activated: result.activated,
      rows: rows.map(({ examples: _, ...row }) => row),
    });
  } finally {
    if (keep === undefined) await rm(directory, { recursive: true, force: true });
  }
}

/** @throws ConfigError `directory-taken` where a demo was kept before */
export function requireFree(directory: string): void {
  if (existsSync(join(directory, "memory"))) {
    throw new ConfigError(
      "directory-taken",
      `Expected --keep to name a new directory, got ${directory}, which holds a demo`,
    );
  }
}

const isKind = (name: string): name is FactKind => (factKinds as readonly string[]).includes(name);

async function watch(
  memory: TaskMem,
  video: string,
  output: Output,
  { shows, signal }: { readonly shows: boolean; readonly signal: AbortSignal },
): Promise<void> {
  const source = await openConfiguredSource(memory.config, video, { signal });
  const show = watchPrinter(output, source);
  for await (const event of memory.watch(source, { signal })) if (shows || output.json) show(event);
  signal.throwIfAborted();
}

type Outcome = "right" | "wrong" | "abstained";

function outcomeOf(answer: Answer, question: HouseholdQuestion): Outcome {
  if (answer.abstained) return "abstained";
  return answer.option === question.answer ? "right" : "wrong";
}

const marks: Record<Outcome, string> = { right: "✓", wrong: "✗", abstained: "–" };

export function printAnswer(output: Output, question: HouseholdQuestion, answer: Answer): void {
  const outcome = outcomeOf(answer, question);
  const { kind, text, answer: expected, options } = question;
  output.object({ event: "answer", kind, question: text, expected, outcome, ...answer });
  output.text(`${marks[outcome]} ${text}  ${output.dim(options.map((option) => option.text).join(" | "))}`);
  const truth = options.find(({ letter }) => letter === expected)!.text;
  const [citation] = answer.citations;
  const moment = citation ? output.dim(`  ${formatSeconds(citation.startSeconds)}  ${citation.text}`) : "";
  if (outcome === "right") output.text(`    ${output.bold(answer.answer)}${moment}`);
  else if (outcome === "wrong") output.text(`    ${answer.answer}, but it was ${truth}${moment}`);
  else
    output.text(
      `    not in memory ${output.dim(`(${truth}, shown at ${formatSeconds(question.moments[0]!.startSeconds)})`)}`,
    );
}

interface Row {
  readonly policy: "before" | "learnt";
  readonly entries: number;
  readonly tokens: number;
  readonly kinds: readonly {
    readonly kind: FactKind;
    readonly right: number;
    readonly wrong: number;
    readonly n: number;
  }[];
  readonly examples: readonly (() => void)[];
}

/** Asks a memory all questions about the second film, without recording them as tasks. */
async function score(
  output: Output,
  policy: Row["policy"],
  memory: TaskMem,
  questions: readonly HouseholdQuestion[],
  { kind, signal }: { readonly kind: FactKind; readonly signal: AbortSignal },
): Promise<Row> {
  const entries = await memory.store.entries({ streams: ["second"] });
  const tally = new Map(factKinds.map((each) => [each, { right: 0, wrong: 0, n: 0 }]));
  const shown: (() => void)[] = [];
  for (const question of questions) {
    const { text, options } = question;
    const answer = await memory.ask({ text, options }, { streams: ["second"], record: false, signal });
    const outcome = outcomeOf(answer, question);
    const counts = tally.get(question.kind)!;
    counts.n += 1;
    if (outcome !== "abstained") counts[outcome] += 1;
    if (question.kind === kind && outcome === "right")
      shown.push(() => printAnswer(output, question, answer));
  }
  return {
    policy,
    entries: entries.length,
    tokens: entries.reduce((sum, entry) => sum + wordSpace.countTokens(entry.text), 0),
    kinds: [...tally].map(([each, counts]) => ({ kind: each, ...counts })),
    examples: shown.slice(0, examples),
  };
}

function printTable(output: Output, rows: readonly Row[], kind: FactKind, activated: boolean): void {
  const learnt = rows.find(({ policy }) => policy === "learnt")!;
  for (const print of learnt.examples) print();
  const columns = factKinds.map((each) => (each === kind ? `${each} *` : each));
  output.text(
    "",
    `${"right answers".padEnd(24)}${columns.map((name) => name.padStart(11)).join("")}${"tokens kept".padStart(14)}`,
  );
  for (const { policy, kinds, tokens } of rows) {
    const name =
      policy === "before" ? "as before" : activated ? "with what was learned" : "no adapter is active";
    const cells = kinds.map(({ right, n }) => `${right} of ${n}`.padStart(11)).join("");
    output.text(`${name.padEnd(24)}${cells}${String(tokens).padStart(14)}`);
  }
  output.text(
    output.dim(
      "* what its user asks about. The budget is the same: to remember more of one thing is to remember less of another.",
    ),
  );
}

function printNext(output: Output, kept: string | null): void {
  output.text("", output.bold("Next"));
  if (kept !== null) {
    output.text(`  npm run -s taskmem -- timeline --memory ${join(kept, "memory")}`);
    output.text(`  npm run -s taskmem -- adapt status --memory ${join(kept, "memory")}`);
  }
  output.text(
    "  npm run demo -- --policy choice --kind place   # another user: place, wear, speech, display, activity",
  );
  output.text("  npm run demo -- --keep household     # keep the films and the memory to look at");
  output.text("  npm run -s taskmem -- watch your-video.mp4");
  output.text('  npm run -s taskmem -- ask "What was said about the deadline?"');
  output.text("  npm run -s taskmem -- adapt run      # after some questions");
  output.text(
    "  npm run -s taskmem -- watch your-video.mp4 --base-url http://localhost:8000/v1 --model qwen3-vl",
  );
}
