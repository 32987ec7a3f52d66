/** `taskmem demo`: the acting loop on a simulated household: render, watch, remember, answer, score. */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createAgent } from "../../agent.ts";
import type { Answer } from "../../answer/answer.ts";
import { lexicalReader, localEmbedder, wordSpace } from "../../engines/local/index.ts";
import { ConfigError } from "../../errors.ts";
import {
  askAbout,
  createEpisode,
  episodeSeed,
  type Fact,
  type HouseholdQuestion,
  renderEpisode,
  sentenceOf,
} from "../../household/index.ts";
import { openSqliteMemory } from "../../memory/sqlite.ts";
import { createPerceptors } from "../../perception/perceive.ts";
import { choicePolicy } from "../../policy/choice.ts";
import { openSource } from "../../stream/open-source.ts";
import { seededRandom } from "../../util/random.ts";
import { formatSeconds } from "../../util/time.ts";
import type { Invocation } from "../invocation.ts";
import { exitCodes, type Output } from "../output.ts";
import { watchPrinter } from "./watch.ts";

interface DemoFlags {
  readonly seed?: number;
  readonly clips?: number;
  readonly keep?: string;
}

/** Questions of each of the five kinds. */
const perKind = 3;

export async function run({ output, signal, options }: Invocation): Promise<number> {
  const { seed = 1, clips = 12, keep } = options as DemoFlags;
  if (clips < 1) throw new ConfigError("clips-invalid", `Expected --clips to be 1 or more, got ${clips}`);
  const directory = keep === undefined ? await mkdtemp(join(tmpdir(), "taskmem-demo-")) : resolve(keep);
  if (existsSync(join(directory, "memory"))) {
    throw new ConfigError(
      "directory-taken",
      `Expected --keep to name a new directory, ${directory} holds a demo already`,
    );
  }
  try {
    const episode = createEpisode(episodeSeed("held-out", seed), clips);
    const questions = askAbout(episode, seededRandom(`demo ${seed}`), { perKind });

    output.text(output.bold(`Filming a household: ${clips} clips of 10 s …`));
    const { video } = await renderEpisode(episode, directory, { questions, signal });

    const said = episode.clips.flatMap(({ scenes }) =>
      scenes.flatMap(({ strips }) => strips.filter((fact) => fact !== null)),
    );
    output.text(output.bold("\nWatching it and writing a memory: the moment, and what is kept of it\n"));
    const memory = await openSqliteMemory(join(directory, "memory"), {
      words: wordSpace,
      embedder: localEmbedder,
      now: Date.now,
    });
    try {
      const agent = createAgent({
        memory,
        policy: choicePolicy({ words: wordSpace }),
        perceptors: createPerceptors({ screenText: false }),
        reader: lexicalReader({ words: wordSpace }),
      });
      const source = await openSource(video, { signal });
      const show = watchPrinter(output, source);
      for await (const event of agent.watch(source, { signal })) {
        show(event);
        if (event.event === "stream-end" && event.reason === "interrupted") return exitCodes.interrupted;
      }
      const kept = await memory.entries();
      const share = shareOf(
        kept.map(({ text }) => text),
        said,
      );
      output.text(output.bold(`\nKept ${share}.`));

      output.text(output.bold("\nQuestions, answered from memory alone\n"));
      const outcomes: Outcome[] = [];
      for (const question of questions) {
        const answer = await agent.ask({ text: question.text, options: question.options }, { signal });
        const outcome = outcomeOf(answer, question);
        outcomes.push(outcome);
        printAnswer(output, question, answer, outcome);
      }
      printScore(output, questions, outcomes);
      printNext(output, keep === undefined ? null : directory);
      return exitCodes.done;
    } finally {
      await memory.close();
    }
  } finally {
    if (keep === undefined) await rm(directory, { recursive: true, force: true });
  }
}

type Outcome = "right" | "wrong" | "abstained";

function outcomeOf(answer: Answer, question: HouseholdQuestion): Outcome {
  if (answer.abstained) return "abstained";
  return answer.option === question.answer ? "right" : "wrong";
}

/** Tokens kept as a share of all tokens shown and said, in words. */
function shareOf(kept: readonly string[], said: readonly Fact[]): string {
  const tokens = (texts: readonly string[]) =>
    texts.reduce((sum, text) => sum + wordSpace.countTokens(text), 0);
  const [part, whole] = [tokens(kept), tokens(said.map(sentenceOf))];
  return `${kept.length} of ${said.length} statements, ${Math.round((100 * part) / whole)} % of the words`;
}

const marks: Record<Outcome, string> = { right: "✓", wrong: "✗", abstained: "–" };

function printAnswer(output: Output, question: HouseholdQuestion, answer: Answer, outcome: Outcome): void {
  const [citation] = answer.citations;
  output.object({
    event: "answer",
    kind: question.kind,
    question: question.text,
    expected: question.answer,
    outcome,
    ...answer,
  });
  const truth = question.options.find(({ letter }) => letter === question.answer)!.text;
  output.text(
    `${marks[outcome]} ${question.text}  ${output.dim(question.options.map(({ text }) => text).join(" | "))}`,
  );
  if (outcome === "abstained") {
    output.text(`    not in memory ${output.dim(`(it was "${truth}", shown at ${momentsOf(question)})`)}`);
    return;
  }
  output.text(`    ${output.bold(answer.answer)}${outcome === "wrong" ? `, but it was "${truth}"` : ""}`);
  if (citation) output.text(`    ${output.dim(`${formatSeconds(citation.startSeconds)}  ${citation.text}`)}`);
}

const momentsOf = ({ moments }: HouseholdQuestion) =>
  moments.map(({ startSeconds }) => formatSeconds(startSeconds)).join(", ");

function printScore(
  output: Output,
  questions: readonly HouseholdQuestion[],
  outcomes: readonly Outcome[],
): void {
  const count = (wanted: Outcome) => outcomes.filter((outcome) => outcome === wanted).length;
  const [right, wrong, abstained] = [count("right"), count("wrong"), count("abstained")];
  const byKind = [...new Set(questions.map(({ kind }) => kind))].map((kind) => {
    const ofKind = outcomes.filter((_, i) => questions[i]!.kind === kind);
    return { kind, right: ofKind.filter((outcome) => outcome === "right").length, questions: ofKind.length };
  });
  output.object({ event: "demo-end", questions: questions.length, right, wrong, abstained, byKind });
  const kinds = byKind.map((row) => `${row.kind} ${row.right}/${row.questions}`).join(", ");
  output.text(
    `\n${output.bold(`${right} of ${questions.length} right`)}, ${wrong} wrong, ${abstained} not in memory (${kinds}).`,
  );
  output.text(
    output.dim("What was not kept cannot be answered: the policy does not know yet what you will ask."),
  );
}

function printNext(output: Output, kept: string | null): void {
  output.text(`\n${output.bold("Next")}`);
  if (kept !== null) {
    output.text(`  npm run -s taskmem -- timeline --memory ${join(kept, "memory")}`);
    output.text(
      `  npm run -s taskmem -- ask "Where does Ann put the keys?" --memory ${join(kept, "memory")}`,
    );
  }
  output.text("  npm run demo -- --keep household    # keep the film and its memory to look at");
  output.text("  npm run -s taskmem -- watch your-video.mp4");
  output.text('  npm run -s taskmem -- ask "What was said about the deadline?"');
  output.text(
    "  npm run -s taskmem -- watch your-video.mp4 --base-url http://localhost:8000/v1 --model qwen3-vl",
  );
}
