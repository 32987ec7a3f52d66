/**
 * `taskmem demo`: the whole paper on a laptop, with nano, a small model trained in this repository.
 *
 * A household is filmed; nano watches the film and remembers it; its user asks. Then both phases are tested on
 * held-out films: the pretrained base, after Phase One, and after Phase Two on five questions of each kind.
 * `--policy choice` shows the same without a model.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { smallHousehold, wholeHousehold } from "../../benchmarks/datasets/household/policies.ts";
import { ConfigError } from "../../errors.ts";
import { askAbout, createEpisode, renderEpisode } from "../../household/index.ts";
import { measuredEpisodes, seedOf } from "../../household/splits.ts";
import { openConfiguredSource } from "../../taskmem/assembly.ts";
import { openTaskMem } from "../../taskmem.ts";
import { seededRandom } from "../../util/random.ts";
import { householdEvent, printHousehold, runHousehold } from "../household.ts";
import type { Invocation } from "../invocation.ts";
import type { Output } from "../output.ts";
import { printAnswer, requireFree } from "./demo-choice.ts";
import { watchPrinter } from "./watch.ts";

interface DemoFlags {
  readonly policy?: string;
  readonly full?: boolean;
  readonly seed?: number;
  readonly films?: number;
  readonly keep?: string;
}

const clips = 6;

export async function run(invocation: Invocation): Promise<void> {
  const { output, signal, options } = invocation;
  const { policy = "nano", full = false, seed = 0, films, keep } = options as DemoFlags;
  if (policy === "choice") return (await import("./demo-choice.ts")).run(invocation);
  if (policy !== "nano")
    throw new ConfigError("policy-unknown", `Expected --policy to be nano or choice, got ${policy}`);
  const directory = keep === undefined ? await mkdtemp(join(tmpdir(), "taskmem-demo-")) : resolve(keep);
  requireFree(directory);
  try {
    await showOneDay(output, directory, seed, signal);
    const whole = full ? wholeHousehold : smallHousehold;
    const size = { ...whole, films: films ?? whole.films };
    output.text(
      "",
      output.bold(
        `${size.films} other days, never seen in training: five questions of a kind, Phase Two, then the rest of that kind`,
      ),
      "",
    );
    const { result } = await runHousehold({ output, name: "nano", size, signal });
    printHousehold(output, result);
    printNext(output, keep === undefined ? null : directory, full);
    output.object({ event: "demo-end", policy, ...householdEvent(result) });
  } finally {
    if (keep === undefined) await rm(directory, { recursive: true, force: true });
  }
}

/** Films one day, watches it into a memory on disk, and asks about it. */
async function showOneDay(
  output: Output,
  directory: string,
  seed: number,
  signal: AbortSignal,
): Promise<void> {
  output.text(
    output.bold(`A household is filmed for ${clips * 10} s; nano looks at the film and writes what it sees`),
    "",
  );
  const episode = createEpisode(seedOf(measuredEpisodes.demo, seed), clips);
  const questions = askAbout(episode, seededRandom(`demo ${seed}`));
  const { video } = await renderEpisode(episode, directory, {
    ...{ name: "day", questions, describes: false, signal },
  });
  await using memory = await openTaskMem({
    directory: join(directory, "memory"),
    policy: "nano",
    screenText: false,
    adapt: { auto: false },
  });
  const source = await openConfiguredSource(memory.config, video, { signal });
  const show = watchPrinter(output, source);
  for await (const event of memory.watch(source, { signal })) show(event);
  signal.throwIfAborted();
  output.text("", output.bold("Questions are answered from these sentences alone"), "");
  for (const question of questions) {
    const { text, options } = question;
    printAnswer(output, question, await memory.ask({ text, options }, { signal }));
  }
}

function printNext(output: Output, kept: string | null, full: boolean): void {
  output.text("", output.bold("Next"));
  if (kept !== null) output.text(`  npm run -s taskmem -- timeline --memory ${join(kept, "memory")}`);
  if (!full)
    output.text("  npm run demo -- --full               # all 64 held-out days, with narrower intervals");
  output.text("  npm run demo -- --policy choice      # the same without a model: it picks among captions");
  output.text("  npm run demo -- --keep household     # keep the film and the memory to look at");
  output.text("  npm run -s taskmem -- watch your-video.mp4");
  output.text('  npm run -s taskmem -- ask "What was said about the deadline?"');
}
