#!/usr/bin/env node
/** The command line's entry: names the commands, loads the one that is called, turns errors into exit codes. */
import { readFileSync } from "node:fs";
import { Command, CommanderError, InvalidArgumentError } from "commander";
import type { Invocation } from "./invocation.ts";
import { createOutput, exitCodeOf, exitCodes } from "./output.ts";

type Run = (invocation: Invocation, ...args: never[]) => Promise<unknown>;

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  version: string;
};

/** Flags that fill the configuration: flag name as commander camel-cases it → path of the option. */
const configFlags: Record<string, string> = {
  memory: "memory",
  policy: "policy",
  reader: "reader",
  baseUrl: "model.baseUrl",
  model: "model.model",
  temperature: "model.temperature",
  video: "model.video",
  budgetUsd: "model.budget.usd",
  budgetTokens: "model.budget.tokens",
  budgetCalls: "model.budget.calls",
  transcribeBaseUrl: "transcriber.baseUrl",
  transcribeModel: "transcriber.model",
  language: "languages",
  screenText: "screenText",
  semantic: "semantic",
  clipSeconds: "stream.clipSeconds",
  fps: "stream.fps",
  windowClips: "stream.windowClips",
  budget: "choice.budget",
  weights: "choice.weights",
  samples: "bestOfN.samples",
  adapt: "adapt.auto",
};

const abort = new AbortController();

function buildProgram(): Command {
  const program = new Command("taskmem")
    .description(
      "Long-term memory for agents that see and hear, which learns what to remember from the tasks it is asked.",
    )
    .version(version)
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .showSuggestionAfterError();

  command(
    program,
    "watch <source...>",
    "watch a file, a folder, a live URL, a device or texts, and remember it",
    () => import("./commands/watch.ts"),
  )
    .option("--stream <id>", "name of the stream (default: from the source)")
    .option("--subtitles <file>", "subtitle file to use instead of those found")
    .option("--text-kind <kind>", "what the lines of a text source are: speech or caption")
    .option("--language <tag>", "languages of subtitles to keep, best first", collect)
    .option("--clip-seconds <n>", "length of a clip")
    .option("--window-clips <n>", "clips the policy sees at once")
    .option("--fps <n>", "frames per second the policy sees")
    .option("--no-screen-text", "do not read text in the picture")
    .option(
      "--policy <name>",
      "choice (no model), nano (a small model of this project, for its household), model or best-of-n",
    )
    .option("--budget <share>", "choice: share of the candidate tokens to keep, 0 to 1")
    .option("--weights <file>", "choice: what `train phase-one --policy choice` learnt")
    .option("--samples <n>", "best-of-n: texts drawn per clip, of which what was learnt picks one")
    .option("--semantic", "model: also write what is known, not only what happened")
    .option("--temperature <t>", "model: sampling temperature")
    .option("--video <how>", "model: send clips as frames, video, or auto")
    .option("--budget-usd <n>", "stop before spending more in this run")
    .option("--budget-tokens <n>", "stop before using more tokens in this run")
    .option("--budget-calls <n>", "stop before making more calls in this run")
    .option("--transcribe-base-url <url>", "endpoint for speech to text")
    .option("--transcribe-model <name>", "model for speech to text");

  command(
    program,
    "ask <question>",
    "answer a question from memory alone; - reads it from standard input",
    () => import("./commands/ask.ts"),
  )
    .option("--option <text>", "a possible answer; repeat for multiple choice", collect)
    .option("--stream <id>", "only these streams", collect)
    .option("--as-of <moment>", "see nothing later than this: seconds, HH:MM:SS, 'DAY1 11:21:02' or a date")
    .option("--near <moment>", "prefer memories near this moment")
    .option("--speaker <name>", "only what these people said or what names them", collect)
    .option("--limit <n>", "entries to recall", wholeNumber)
    .option("--whole-memory", "give the reader everything in time order instead of searching")
    .option("--reader <name>", "local (no model) or model")
    .option("--no-adapt", "do not learn from the question afterwards");

  command(
    program,
    "timeline",
    "print what is remembered, in time order",
    () => import("./commands/timeline.ts"),
  )
    .option("--stream <id>", "only these streams", collect)
    .option("--from <moment>", "from this moment")
    .option("--to <moment>", "to this moment")
    .option("--speaker <name>", "only what these people said or what names them", collect)
    .option("--kind <kind>", "episodic or semantic")
    .option("--limit <n>", "only the newest n", wholeNumber)
    .option("--closed", "entries that are no longer current too");

  command(
    program,
    "export <directory>",
    "write the memory as JSONL and blobs; - writes JSONL to standard output",
    () => import("./commands/export.ts"),
  );
  command(
    program,
    "import <directory>",
    "read an export into the memory",
    () => import("./commands/import.ts"),
  );

  command(
    program,
    "forget",
    "remove memories and everything derived from them, and report it",
    () => import("./commands/forget.ts"),
  )
    .option("--stream <id>", "these streams", collect)
    .option("--from <moment>", "from this moment")
    .option("--to <moment>", "to this moment")
    .option("--person <name>", "what this person said and what names them")
    .option("--query <words>", "entries that hold all these words")
    .option("--entry <id>", "these entries", collect)
    .option("--dry-run", "only report what would go");

  command(
    program,
    "tasks [action] [question]",
    "questions to learn from: list, add one without asking it, or feedback on one",
    () => import("./commands/tasks.ts"),
  )
    .option("--option <text>", "add: a possible answer; repeat for multiple choice", collect)
    .option("--task <id>", "the task the feedback is about")
    .option("--right", "its answer was right")
    .option("--wrong", "its answer was wrong")
    .option("--correction <text>", "what it should have been")
    .option("--limit <n>", "only the newest n", wholeNumber);

  command(
    program,
    "adapt [action]",
    "learn from the questions asked what to remember: status, run, promote, rollback or blend",
    () => import("./commands/adapt.ts"),
  )
    .option("--method <name>", "closed-form (words of the questions) or preferences (memories compared)")
    .option(
      "--judge <name>",
      "who compares memories, and grades a model's: local (words) or model (best-of-n)",
    )
    .option("--judge-model <name>", "another model of the endpoint to judge")
    .option("--adapter <id>", "the adapter to promote, or the first to blend")
    .option("--with <id>", "blend: the second adapter")
    .option("--share <share>", "blend: share of the second, 0 to 1 (default: 0.5)")
    .option(
      "--run <directory>",
      "run: where the learning curve is written (default: in the memory's directory)",
    )
    .option("--policy <name>", "choice, nano or best-of-n")
    .option("--samples <n>", "best-of-n: texts drawn per clip")
    .option("--budget <share>", "choice: share of the candidate tokens to keep, 0 to 1");

  command(
    program,
    "train [phase]",
    "train a policy: phase-one, before it is deployed; phase-two, from a memory's questions (as adapt run)",
    () => import("./commands/train.ts"),
  )
    .option("--policy <name>", "phase-one: nano (default) or choice; phase-two: choice, nano or best-of-n")
    .option("--method <name>", "phase-two: closed-form or preferences")
    .option(
      "--judge <name>",
      "who judges: local (words) or model, at the endpoint; phase-one: default by policy",
    )
    .option("--judge-model <name>", "another model of the endpoint to judge")
    .option("--weights <file>", "weights to start from (default: nano's pretrained ones, choice as it ships)")
    .option("--run <directory>", "where the run is kept; a run that was stopped goes on")
    .option("--steps <n>", "all steps", wholeNumber)
    .option("--off-policy-steps <n>", "steps with a history that somebody else wrote", wholeNumber)
    .option("--batch <n>", "live instances", wholeNumber)
    .option("--group <n>", "memories sampled for each", wholeNumber)
    .option("--learning-rate <rate>", "of nano's Adam, or of choice's gradient descent")
    .option("--richness <bonus>", "most that the richest memory of a group earns")
    .option("--kl <weight>", "penalty for leaving the weights it started from")
    .option("--checkpoint-every <n>", "steps between checkpoints", wholeNumber)
    .option("--seed <text>", "what the run's draws depend on");

  command(
    program,
    "bench <benchmark> [runs...]",
    "run a benchmark as a stream: videomme, egolife, egotempo, m3bench; egolife --text (a week as texts, no model); household (simulated); report <runs...> draws runs",
    () => import("./commands/bench.ts"),
  )
    .option("--text", "egolife: on transcript and captions instead of video")
    .option("--root <directory>", "folder of the benchmark's files")
    .option("--policies <names>", "policies to compare, separated by commas")
    .option("--budgets <shares>", "shares of the tokens to keep, as .05,.1,.2")
    .option("--stream <how>", "mixed (one memory) or types (one for each type of question)")
    .option("--updates <when>", "learn after every question, or after so many, as 5,10,30,50")
    .option("--window <seconds>", "stream time of one decision")
    .option("--lang <tag>", "egolife: en or zh")
    .option("--weights <file>", "what the choice policy learnt in Phase One")
    .option("--foreign <file>", "JSON with other people's questions, for the control", collect)
    .option("--seed <text>", "of everything drawn")
    .option("--runs <directory>", "where the run is written (default: runs)")
    .option("--annotations <file>", "questions to read instead of those found below --root")
    .option(
      "--policy <name>",
      "what writes the base row: choice (no model) or model; household: nano (default) or choice",
    )
    .option(
      "--rows <names>",
      "some of keep-nothing,keep-all,uniform,base,best-of-n,task-prompt,phase-one,taskmem",
    )
    .option("--budget <share>", "rows of the choice policy: share of the candidate tokens to keep, 0 to 1")
    .option("--variant <name>", "egolife: full-stream, or oracle (only the spans around the evidence)")
    .option("--order <how>", "official or seeded:<n>")
    .option("--group <names>", "only these classes: short,medium,long of videomme, robot,web of m3bench")
    .option("--limit <n>", "only the first n questions; household: films", wholeNumber)
    .option("--votes <n>", "answers to each question, of which the majority counts", wholeNumber)
    .option("--answer-model <name>", "who answers (default: --model)")
    .option("--judge-model <name>", "who grades open answers (default: --model)")
    .option("--no-screen-text", "do not read text in the picture")
    .option("--run <id>", "name of the run (default: from its settings)")
    .option("--resume", "go on with a run that was stopped")
    .option("--out <directory>", "report: where the page is written (default: the first run's folder)");

  command(
    program,
    "doctor",
    "check programs, configuration, memory and model endpoint",
    () => import("./commands/doctor.ts"),
  );

  command(
    program,
    "demo",
    "watch a simulated household, answer questions, and learn from them",
    () => import("./commands/demo.ts"),
  )
    .option("--policy <name>", "nano (looks at the pictures) or choice (no model)")
    .option("--full", "nano: all held-out films")
    .option("--films <n>", "nano: how many held-out films", wholeNumber)
    .option("--seed <n>", "which household", wholeNumber)
    .option("--clips <n>", "choice: how many 10 s clips a film has", wholeNumber)
    .option("--kind <kind>", "choice: what its user asks about: place, wear, speech, display or activity")
    .option("--keep <directory>", "keep the video and the memory here");
  return program;
}

/** A command with the options all share; its file is loaded when it is called. */
function command(
  program: Command,
  usage: string,
  description: string,
  load: () => Promise<{ run: Run }>,
): Command {
  return program
    .command(usage)
    .description(description)
    .option("-m, --memory <directory>", "memory directory (default: .taskmem)")
    .option("-c, --config <file>", "configuration file (default: taskmem.config.ts)")
    .option("--base-url <url>", "OpenAI-compatible endpoint")
    .option("--model <name>", "model at that endpoint")
    .option("--json", "one JSON object a line")
    .exitOverride()
    .action(async (...received: unknown[]) => {
      const self = received.pop() as Command;
      const options = received.pop() as Record<string, unknown>;
      const flags = Object.fromEntries(
        Object.entries(configFlags)
          .filter(([flag]) => self.getOptionValueSource(flag) === "cli")
          .map(([flag, path]) => [path, options[flag]]),
      );
      const { run } = await load();
      const output = createOutput(options.json === true);
      const invocation: Invocation = {
        output,
        flags,
        configFile: options.config as string | undefined,
        signal: abort.signal,
        options,
      };
      const code = await run(invocation, ...(received as never[]));
      process.exitCode = typeof code === "number" ? code : exitCodes.done;
    });
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError("Expected a whole number.");
  return value;
}

/** A flag that may be given again and again. */
function collect(value: string, earlier: readonly string[] = []): string[] {
  return [...earlier, value];
}

/** The first Ctrl-C stops cleanly, the second at once. */
function listenForSignals(): void {
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      if (abort.signal.aborted) process.exit(exitCodes.interrupted);
      abort.abort();
    });
  }
  // The reader of our output left (`taskmem timeline | head`): nothing more to say.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(exitCodes.done);
    throw error;
  });
}

listenForSignals();
try {
  await buildProgram().parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  } else {
    const code = abort.signal.aborted ? exitCodes.interrupted : exitCodeOf(error);
    const { name, message, code: kind, stack } = error as Error & { code?: string };
    if (code !== exitCodes.interrupted) {
      if (process.argv.includes("--json"))
        process.stdout.write(
          `${JSON.stringify({ event: "error", error: name, code: kind ?? null, message })}\n`,
        );
      process.stderr.write(
        code === exitCodes.bug
          ? `taskmem: unexpected error, please report it\n${stack}\n`
          : `taskmem: ${message}\n`,
      );
    }
    process.exitCode = code;
  }
}
