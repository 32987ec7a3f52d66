/** Commands, their arguments and flags. A command's file is loaded when it is called. */

import { readFileSync } from "node:fs";
import { Command, InvalidArgumentError } from "commander";
import type { BenchmarkName } from "../benchmarks/task.ts";
import { policyNames } from "../config.ts";
import { steeringWays } from "../engines/openai/steering.ts";
import type { ModelsAction } from "./commands/models.ts";
import type { Invocation } from "./invocation.ts";
import { createOutput, exitCodes } from "./output.ts";

type Run = (invocation: Invocation, ...args: never[]) => Promise<unknown>;
type Load = () => Promise<{ run: Run }>;

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  version: string;
};

/** Flags that fill the configuration: name in camel case → path of the option. */
const configFlags: Record<string, string> = {
  memory: "memory",
  policy: "policy",
  reader: "reader",
  meaning: "embedder.meaning",
  baseUrl: "model.baseUrl",
  model: "model.model",
  requestsPerMinute: "model.requestsPerMinute",
  tokensPerMinute: "model.tokensPerMinute",
  preset: "model.preset",
  sampling: "model.sampling",
  answerSampling: "answering.sampling",
  judgeSampling: "judging.sampling",
  promptTemplate: "model.promptTemplate",
  temperature: "model.temperature",
  thinking: "model.thinking",
  timeout: "model.timeoutSeconds",
  extraBody: "model.extraBody",
  steering: "model.steering",
  video: "model.video",
  overlay: "model.overlay",
  framesPerClip: "model.framesPerClip",
  pictureTokens: "model.pictureTokens",
  taskPrompt: "model.taskPrompt",
  budgetUsd: "model.budget.usd",
  budgetTokens: "model.budget.tokens",
  budgetCalls: "model.budget.calls",
  transcribeBaseUrl: "transcriber.baseUrl",
  prices: "prices",
  transcribeModel: "transcriber.model",
  transcribeRequestsPerMinute: "transcriber.requestsPerMinute",
  language: "languages",
  screenText: "screenText",
  people: "people",
  transcribe: "transcribe",
  speakers: "speakers",
  semantic: "semantic",
  clipSeconds: "stream.clipSeconds",
  fps: "stream.fps",
  windowClips: "stream.windowClips",
  connectTimeout: "stream.connectTimeoutSeconds",
  budget: "choice.budget",
  leastTokens: "choice.leastTokens",
  weights: "choice.weights",
  samples: "bestOfN.samples",
  device: "torch.device",
  dtype: "torch.dtype",
  threads: "torch.threads",
  adapt: "adapt.auto",
};

const budgetFlag = ["--budget <share>", "choice: share of the candidate tokens to keep, 0 to 1"] as const;
const leastTokensFlag = [
  "--least-tokens <n>",
  "choice: tokens of each 30 s to keep where there are so many (default: 80; none beside --budget)",
  wholeNumber,
] as const;

/** What the program takes from its process. */
export interface ProgramContext {
  /** Aborted by SIGINT or SIGTERM, which end the process unless this was read. */
  readonly signal: AbortSignal;
}

/** All commands, ready to parse arguments. */
export function buildProgram(context: ProgramContext): Command {
  const program = new Command("taskmem")
    .description(
      "Long-term memory for agents that see and hear, which learns what to remember from the tasks it is asked.",
    )
    .version(version)
    .exitOverride()
    // Commander repeats what was typed.
    .configureOutput({ writeErr: (text) => createOutput(false).note(...text.replace(/\n$/, "").split("\n")) })
    .configureHelp({ showGlobalOptions: true })
    .showSuggestionAfterError();
  const bare: Add = (parent, usage, description, load) => leaf(parent, usage, description, load, context);
  const add: Add = (parent, usage, description, load) =>
    endpointFlags(
      bare(parent, usage, description, load).option(
        "-m, --memory <directory>",
        "memory directory, or a URL of Postgres (default: .taskmem)",
      ),
    )
      .option(
        "--meaning <how>",
        "compare meanings by a pulled encoder: auto (where one was pulled), on, off, english or multilingual",
      )
      .option("-v, --verbose", "write prompts, completions and decisions to standard error");
  addWatching(program, add);
  addKeeping(program, add);
  addPeople(program, add);
  addTasks(program, add);
  addAdapt(program, add);
  addTrain(program, add, bare);
  addBench(program, bare);
  addModels(program, bare);
  writingFlags(
    senseFlags(
      add(
        program,
        "doctor",
        "check programs, configuration, memory and senses",
        () => import("./commands/doctor.ts"),
      ),
    ),
  ).option("--policy <name>", "what would write memories");
  writingFlags(
    add(
      program,
      "prompt",
      "print the words of the memory prompt as a template, to write one of your own",
      () => import("./commands/prompt.ts"),
    ),
  ).option("--semantic", "the prompt that also asks for what is known");
  addMcp(program, add);
  addServe(program, add, bare);
  addWorker(program, add, bare);
  add(
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

/** The memory as tools of other programs. */
function addMcp(program: Command, add: Add): void {
  const serves = () => import("./commands/mcp.ts");
  const about = "serve the memory to MCP hosts (chat clients, coding agents) over standard input and output";
  senseFlags(add(program, "mcp", about, serves))
    .option("--http [port]", "serve over HTTP on this machine instead (default: 3132)", wholeNumber)
    .option("--no-record", "keep no question and learn from none")
    .option("--read-only", "offer no tool that changes the memory");
}

/** Memories over HTTP. */
function addServe(program: Command, add: Add, bare: Add): void {
  const serve = group(program, "serve", "serve memories over HTTP, a space for each user, with keys");
  const action = (name: keyof typeof import("./commands/serve.ts").actions): Load => {
    return () =>
      import("./commands/serve.ts").then(({ run }) => ({
        run: (call: Invocation, argument?: string) => run(call, name, argument),
      }));
  };
  const root = (command: Command) =>
    command.option(
      "--root <place>",
      "directory of the spaces and the keys, or the Postgres they are in",
      "taskmem-spaces",
    );
  const start = add(serve, "start", "listen; without a key, for this machine alone", action("start"));
  writingFlags(senseFlags(root(start)))
    .option("--port <n>", "port (default: 3131)", wholeNumber)
    .option(
      "--host <address>",
      "address to listen at (default: 127.0.0.1); others than this machine's need keys",
    )
    .option(
      "--queue <url>",
      "Postgres of a queue whose workers watch and learn (default: TASKMEM_QUEUE; without one it learns here)",
    )
    .option("--policy <name>", "what writes memories");
  root(bare(serve, "add-key <name>", "make a key and show it once", action("add-key")))
    .option("--space <id>", "space that it reaches; repeat for several (default: all)", collect)
    .option(
      "--scope <name>",
      "what it may do: read, ask, write, forget, learn, people, admin; repeat for several (default: all but people and admin)",
      collect,
    );
  root(bare(serve, "keys", "list the keys", action("keys")));
  root(bare(serve, "remove-key <id>", "remove a key, which is refused from then on", action("remove-key")));
  serve.addHelpText("after", "\nWithout a subcommand: start.");
}

/** Streams of spaces, shared among processes. */
function addWorker(program: Command, add: Add, bare: Add): void {
  const worker = group(program, "worker", "watch the streams of spaces with many processes, through pg-boss");
  const action = (name: keyof typeof import("./commands/worker.ts").actions): Load => {
    return () =>
      import("./commands/worker.ts").then(({ run }) => ({
        run: (call: Invocation, ...names: string[]) => run(call, name, ...names),
      }));
  };
  const placed = (command: Command) =>
    command
      .option("--root <place>", "directory of the spaces, or the Postgres they are in", "taskmem-spaces")
      .option(
        "--queue <url>",
        "Postgres of the queue (default: TASKMEM_QUEUE, which no list of processes shows, or else the root's)",
      );
  const start = add(worker, "start", "take streams and watch them until told to stop", action("start"));
  writingFlags(senseFlags(placed(start)))
    .option("--streams <n>", "most streams watched at once (default: 8)", wholeNumber)
    .option("--files <n>", "most recordings watched at once (default: 1)", wholeNumber)
    .option("--learning <n>", "most spaces that learn at once (default: 1)", wholeNumber)
    .option("--policy <name>", "what writes memories")
    .option(...budgetFlag)
    .option(...leastTokensFlag)
    .option("--samples <n>", "best-of-n: texts drawn per clip, of which the adapter picks one")
    .option("--frames-per-clip <n>", "model: frames sent of each clip of the window (default: all)");
  placed(
    bare(worker, "status", "streams, queues and workers; code 4 where work waits too long", action("status")),
  );
  const added = bare(
    worker,
    "add <space> <stream> <source>",
    "have a stream watched by some worker",
    action("add"),
  );
  placed(added)
    .option("--follow", "look at files again and again for what was added")
    .option("--subtitles <file>", "subtitle file or http URL to use instead of those found")
    .option("--text-kind <kind>", "what the lines of a text source are: speech or caption");
  placed(
    bare(worker, "remove <space> <stream>", "watch a stream no more; its memory stays", action("remove")),
  );
  placed(bare(worker, "pause <space> <stream>", "let a stream rest", action("pause")));
  placed(
    bare(
      worker,
      "resume <space> <stream>",
      "watch a paused stream again, or one that failed",
      action("resume"),
    ),
  );
  worker.addHelpText("after", "\nWithout a subcommand: start.");
}

/** Flags of the senses. */
function senseFlags(command: Command): Command {
  return command
    .option(
      "--language <tag>",
      "languages of subtitles to keep and of text in the picture, best first",
      collect,
    )
    .option("--no-screen-text", "do not read text in the picture")
    .option("--people", "tell people apart by their faces, and keep their faces (docs/people.md)")
    .option("--transcribe-base-url <url>", "endpoint for speech to text; repeat for several", collect)
    .option(
      "--transcribe-model <name>",
      "model for speech to text; without an endpoint one that runs here: local:NAME or local:FOLDER",
    )
    .option("--speakers <folder>", "nets of sherpa-onnx that tell voices apart: local:FOLDER")
    .option("--no-transcribe", "do not write down what is said with the speech model that was pulled")
    .option("--transcribe-requests-per-minute <n>", "calls for speech to text that begin in any minute");
}

type Add = (parent: Command, usage: string, description: string, load: Load) => Command;

function addWatching(program: Command, add: Add): void {
  writingFlags(
    senseFlags(
      add(
        program,
        "watch <source...>",
        "watch a file, a folder, a live URL, a device or texts, and remember it",
        () => import("./commands/watch.ts"),
      ),
    ),
  )
    .option("--stream <id>", "name of the stream (default: from the source)")
    .option("--subtitles <file>", "subtitle file or http URL to use instead of those found")
    .option("--text-kind <kind>", "what the lines of a text source are: speech or caption")
    .option("--clip-seconds <n>", "length of a clip")
    .option("--window-clips <n>", "clips the policy sees at once")
    .option("--fps <n>", "frames per second the policy sees")
    .option("--retry-failed", "try clips again that failed for good, as far as they are kept")
    .option("--take-over", "watch a stream that another process seems to watch; that one then ends")
    .option(
      "--connect-timeout <seconds>",
      "give up a live source that never connected; 0 waits for ever (default: 30)",
    )
    .option(
      "--policy <name>",
      `what writes memories: ${policyNames.join(", ")}; choice needs no model, nano knows its household only`,
    )
    .option(...budgetFlag)
    .option(...leastTokensFlag)
    .option("--weights <file>", "choice: what `train phase-one --policy choice` learned")
    .option("--samples <n>", "best-of-n: texts drawn per clip, of which the adapter picks one")
    .option("--semantic", "model: also write what is known, not only what happened")
    .option("--video <how>", "model: send clips as frames, video, or auto")
    .option(
      "--overlay",
      "model: paint tags of people (--people) and what is said on the frames, for a model trained so",
    )
    .option("--no-overlay", "model: paint nothing, where a preset would")
    .option("--frames-per-clip <n>", "model: frames sent of each clip of the window (default: all)")
    .option("--picture-tokens <n>", "model: tokens of pictures in one request; older clips are thinned first")
    .option(
      "--task-prompt <n>",
      "model, best-of-n, nano: how many of the latest questions stand in the prompt",
    )
    .option("--budget-usd <n>", "stop before spending more in this run")
    .option("--budget-tokens <n>", "stop before using more tokens in this run")
    .option("--budget-calls <n>", "stop before making more calls in this run");
  add(
    program,
    "ask <question>",
    "answer a question from memory alone; - reads it from standard input",
    () => import("./commands/ask.ts"),
  )
    .option("--option <text>", "a possible answer; repeat for multiple choice", collect)
    .option("--stream <id>", "only these streams", collect)
    .option("--as-of <moment>", "ignore everything later: seconds, HH:MM:SS, 'DAY1 11:21:02' or a date")
    .option("--near <moment>", "prefer memories near this moment")
    .option("--speaker <name>", "only what these people said, or what names them", collect)
    .option("--limit <n>", "entries to recall", wholeNumber)
    .option("--whole-memory", "give the reader everything in time order instead of searching")
    .option("--reader <name>", "local (no model) or model")
    .option("--answer-sampling <name=value,...>", "how the model's answer is sampled", samplingFlag)
    .option("--no-adapt", "do not learn from the question afterwards");
  add(
    program,
    "explain [question]",
    "say which stage lost the answer to a question: perception, the policy, recall or the reader",
    () => import("./commands/explain.ts"),
  )
    .option("--task <id>", "a question that was asked, instead of its words")
    .option(
      "--expected <text>",
      "the right answer, in words that were used (default: the correction of --task)",
    )
    .option("--at <moment>", "when it was said or shown: seconds, HH:MM:SS, 'DAY1 11:21:02' or a date")
    .option("--option <text>", "a possible answer; repeat for multiple choice", collect)
    .option("--stream <id>", "only these streams", collect)
    .option("--as-of <moment>", "ignore everything later")
    .option("--speaker <name>", "only what these people said, or what names them", collect)
    .option("--reader <name>", "local (no model) or model");
}

function addKeeping(program: Command, add: Add): void {
  add(program, "timeline", "print what is remembered, in time order", () => import("./commands/timeline.ts"))
    .option("--stream <id>", "only these streams", collect)
    .option("--from <moment>", "from this moment")
    .option("--to <moment>", "to this moment")
    .option("--speaker <name>", "only what these people said, or what names them", collect)
    .option("--kind <kind>", "episodic or semantic")
    .option("--limit <n>", "only the newest n", wholeNumber)
    .option("--closed", "also entries that were closed");
  add(
    program,
    "remember <fact>",
    "keep a fact as it is, past the policy",
    () => import("./commands/remember.ts"),
  )
    .option("--speaker <name>", "who said it")
    .option("--id <id>", "names the fact: one id is kept once")
    .option("--kind <kind>", "semantic (default) or episodic")
    .option("--stream <id>", "a stream that holds facts only (default: remembered)");
  add(
    program,
    "export <directory>",
    "write the memory as JSONL and blobs; - writes JSONL to standard output",
    () => import("./commands/export.ts"),
  );
  add(
    program,
    "reindex",
    "index every entry again, by meaning where it can be compared now",
    () => import("./commands/reindex.ts"),
  );
  add(
    program,
    "import <directory>",
    "read an export into the memory",
    () => import("./commands/import.ts"),
  ).option("--forgotten", "also what was forgotten in this memory");
  add(
    program,
    "migrate",
    "copy a memory to another place: a directory, or a URL of Postgres",
    () => import("./commands/migrate.ts"),
  )
    .option("--from <memory>", "the memory that is copied, and stays as it is")
    .option("--to <memory>", "where to; what is already there is skipped");
  add(
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
    .option("--dry-run", "only report what would be removed");
}

function addPeople(program: Command, add: Add): void {
  const people = group(program, "people", "who is who: people known by their faces");
  const load: Load = () => import("./commands/people.ts");
  const named =
    (name: keyof typeof import("./commands/people.ts").actions): Load =>
    () =>
      load().then(({ run }) => ({ run: (call, ...args) => run(call, name as never, ...args) }));
  add(people, "list [person]", "everybody, or the faces of one (a number, or nobody)", named("list")).option(
    "--pictures <directory>",
    "write the pictures of the faces there",
  );
  add(people, "name <person> [name]", "say what a person is called; without a name it goes", named("name"));
  add(people, "merge <into> <people...>", "people who are one: all become the first", named("merge"));
  add(people, "split <person> <faces...>", "faces of a person who are another", named("split"));
  add(people, "reject <person> <faces...>", "faces that are not this person", named("reject"));
  add(people, "add <person> <faces...>", "faces of no one that are this person", named("add"));
  add(people, "changes", "what was changed by hand, to be undone", named("changes"));
  add(people, "undo [change]", "undo a change, the last without a number", named("undo"));
}

function addTasks(program: Command, add: Add): void {
  const tasks = group(program, "tasks", "the questions the memory learns from");
  const load: Load = () => import("./commands/tasks.ts");
  const named =
    (name: keyof typeof import("./commands/tasks.ts").actions): Load =>
    () =>
      load().then(({ run }) => ({ run: (call, ...args) => run(call, name as never, ...args) }));
  add(tasks, "list", "the questions that were asked, with answers and feedback", named("list")).option(
    "--limit <n>",
    "only the newest n",
    wholeNumber,
  );
  add(tasks, "add <question>", "a question to learn from, without asking it", named("add")).option(
    "--option <text>",
    "a possible answer; repeat for multiple choice",
    collect,
  );
  add(tasks, "feedback", "whether an answer was right", named("feedback"))
    .option("--task <id>", "the task the feedback is about")
    .option("--right", "its answer was right")
    .option("--wrong", "its answer was wrong")
    .option("--correction <text>", "what it should have been");
  tasks.addHelpText("after", "\nWithout a subcommand: list.");
}

function addAdapt(program: Command, add: Add): void {
  const adapt = group(program, "adapt", "what was learned from the questions, and learning from them");
  const action = (name: AdaptAction, description: string, usage: string = name) =>
    policyFlags(
      add(adapt, usage, description, adaptAction(name)),
      "whose adapters: choice, nano or best-of-n",
    );
  action("status", "the active adapter, the words it weighs, and every adapter with its verdict");
  const run = action("run", "train an adapter from the questions, and activate it if it does better");
  torchFlags(learningFlags(run));
  action("promote", "make a kept adapter active, or try it on a share of the streams")
    .option("--adapter <id>", "the adapter")
    .option(
      "--share <share>",
      "on canary: write this share of the streams with it, 0 to 1, and take it back by itself when answers about them get worse",
    );
  action("diff", "what an adapter keeps and drops of what was watched last, beside another one")
    .option("--adapter <id>", "the adapter (default: the active one, otherwise the one trained last)")
    .option(
      "--with <id>",
      "the one it is compared with, or none (default: what the active one replaced; for another, the active one)",
    )
    .option("--stream <id>", "only these streams", collect)
    .option("--from <moment>", "from this moment (default: the last hour of each stream)")
    .option("--to <moment>", "to this moment");
  action(
    "rollback",
    "take the adapter on canary back; without one, make the adapter before the active one active again, or none",
  );
  action("blend", "keep two adapters as one, to be promoted")
    .option("--adapter <id>", "the first adapter")
    .option("--with <id>", "the second adapter")
    .option("--share <share>", "share of the second, 0 to 1 (default: 0.5)");
  action("export", "write an adapter for another program: a vector of a model's block")
    .option("--adapter <id>", "the adapter")
    .option(
      "--format <name>",
      "gguf (llama.cpp), beft (PEFT), vllm-lens, steer-pt (the paper's code) or lora (of rank one)",
    )
    .option("--out <path>", "file to write; beft, lora: folder")
    .option("--kind <kind>", "beft, lora: text, or vision for a model that also sees")
    .option("--blocks <n>", "steer-pt: how many blocks the model has", wholeNumber);
  action("import", "keep another program's adapter, to be promoted", "import <file>").option(
    "--block <n>",
    "the block to take of a file with several",
    wholeNumber,
  );
  adapt.addHelpText("after", "\nWithout a subcommand: status.");
}

function addModels(program: Command, bare: Add): void {
  const models = group(
    program,
    "models",
    "weights on this machine: what there is, pulling, checking, removing",
  );
  const action = (name: ModelsAction): Load => {
    return () =>
      import("./commands/models.ts").then(({ run }) => ({
        run: (call: Invocation, names?: string[]) => run(call, name, names),
      }));
  };
  bare(models, "list", "the models that were pulled, and those with a name that can be", action("list"));
  bare(
    models,
    "pull [model...]",
    "download by exact release and hash: a name of the list, npm:name@version, pypi:name@version or hf:owner/repo[@revision][:file]; without one, all that were pulled",
    action("pull"),
  )
    .option("--as <name>", "keep it under this name")
    .option(
      "--from <directory>",
      "take the files, or the package, from this directory instead of the network",
    );
  bare(models, "check [name...]", "compare every file with its hash", action("check"));
  bare(models, "remove <name...>", "delete models", action("remove"));
  models.addHelpText(
    "after",
    "\nWithout a subcommand: list. Models are kept in TASKMEM_MODELS, or in the user's cache.",
  );
}

type AdaptAction = keyof typeof import("./commands/adapt.ts").actions;

/** Flags that say which policy is meant; how it writes is part of that. */
function policyFlags(command: Command, description: string): Command {
  return writingFlags(command)
    .option("--policy <name>", description)
    .option("--samples <n>", "best-of-n: texts drawn per clip")
    .option(...budgetFlag)
    .option(...leastTokensFlag);
}

/** One of the things `taskmem adapt` does. */
function adaptAction(name: AdaptAction): Load {
  return () =>
    import("./commands/adapt.ts").then(({ run }) => ({
      run: (call: Invocation, file?: string) => run(call, name, file),
    }));
}

/** Flags of learning from a memory's questions. */
function learningFlags(command: Command): Command {
  return command
    .option("--method <name>", "closed-form (words of the questions) or preferences (memories compared)")
    .option(
      "--judge <name>",
      "who compares memories, and grades a model's: local (words), encoder (text embeddings, of an endpoint or pulled) or model (best-of-n) (default: by policy)",
    )
    .option("--judge-model <name>", "another model of the endpoint to judge")
    .option("--judge-sampling <name=value,...>", "how the model's verdicts are sampled", samplingFlag)
    .option(
      "--run <directory>",
      "where the run is kept and resumed from (default: in the memory's directory); its curve, memories, verdicts, pairs, adapter",
    )
    .option("--recipe <name>", "model: named settings, as default or paper (docs/models.md lists them)")
    .option(
      "--kind <kind>",
      "model: what is trained: vector (default), rank-one (the vector as a LoRA) or lora (of all blocks)",
    )
    .option("--tokens <where>", "model: tokens the vector is added at: all, as the paper, or answer")
    .option(
      "--block <which>",
      "model: block the vector is added behind: agree (where the pairs agree most), a number, or a share of the depth as 0.47",
    )
    .option("--contexts <n>", "model: clips that memories are drawn for", wholeNumber)
    .option("--rollouts <n>", "model: memories drawn for each", wholeNumber)
    .option("--held-out <n>", "model: clips that the adapter is tried on", wholeNumber)
    .option("--steps <n>", "model: optimiser steps", wholeNumber)
    .option("--learning-rate <rate>", "model: rate of Adam (default: as the recipe says)")
    .option("--seed <text>", "model: random seed of the run");
}

/** Flags of torch, which runs a model in a folder. */
function torchFlags(command: Command): Command {
  return command
    .option("--device <name>", "model in a folder: auto (default), cpu or cuda")
    .option("--dtype <name>", "model in a folder: float32 (default) or bfloat16")
    .option("--threads <n>", "model in a folder: threads on a CPU");
}

function addTrain(program: Command, add: Add, bare: Add): void {
  const train = group(program, "train", "train a policy");
  bare(
    train,
    "setup",
    "make the Python environment that runs and trains models in folders",
    () => import("./commands/train-setup.ts"),
  )
    .option("--build <name>", "build of torch: cpu (default) or cuda")
    .option("--again", "make it once more, in place of one that does not work");
  bare(
    train,
    "check",
    "check that a model can be trained here, invariant by invariant",
    () => import("./commands/train-check.ts"),
  )
    .option("--model <folder>", "folder of weights as transformers reads it, or a pulled model")
    .option(
      "--block <n>",
      "block whose output the vector is added to (default: at 0.47 of the depth)",
      wholeNumber,
    )
    .option("--at <where>", "tokens the vector is added at: all (default) or answer")
    .option("--device <name>", "auto (default), cpu or cuda")
    .option("--threads <n>", "threads on a CPU", wholeNumber);
  const phaseOne = add(
    train,
    "phase-one [source...]",
    "before deployment: how to memorize, on simulated households; a model in a folder also on recorded sources, or on what the memory named by --memory watched",
    () => import("./commands/train-phase-one.ts"),
  );
  senseFlags(torchFlags(phaseOne))
    .option("--policy <name>", "nano (default), choice, or model (a folder or a pulled model as --model)")
    .option("--kind <name>", "model: what is trained: lora (default; written merged into the weights) or all")
    .option("--judge <name>", "who judges: local (words) or model, at the endpoint (default: by policy)")
    .option("--judge-model <name>", "another model of the endpoint to judge")
    .option("--weights <file>", "weights to start from (default: nano's pretrained ones, choice as it ships)")
    .option("--run <directory>", "where the run is kept; a run that was stopped is resumed")
    .option("--steps <n>", "all steps", wholeNumber)
    .option("--off-policy-steps <n>", "steps with a history that another policy wrote", wholeNumber)
    .option("--batch <n>", "live instances", wholeNumber)
    .option("--group <n>", "memories sampled for each", wholeNumber)
    .option("--learning-rate <rate>", "of Adam, or of choice's gradient descent")
    .option("--richness <bonus>", "most that the richest memory of a group earns")
    .option("--kl <weight>", "penalty for leaving the weights it started from")
    .option("--checkpoint-every <n>", "steps between checkpoints", wholeNumber)
    .option("--seed <text>", "random seed of the run");
  const phaseTwo = add(
    train,
    "phase-two [source...]",
    "after deployment: an adapter from questions, over what the memory watched, or over these recorded sources",
    () => import("./commands/train-phase-two.ts"),
  ).option(
    "--questions <file>",
    "questions to learn from, a line each as JSON; the memory keeps them (default: those it was asked)",
  );
  const who = "who learns: choice, nano, best-of-n, or model (a folder or a pulled model as --model)";
  senseFlags(torchFlags(learningFlags(policyFlags(phaseTwo, who))));
  addJobs(train, add);
}

/** Training of a model by another program. */
function addJobs(train: Command, add: Add): void {
  const judge = (command: Command) =>
    command
      .option("--judge <name>", "who grades and compares memories: local (words, default) or model")
      .option("--judge-model <name>", "another model of the endpoint to judge")
      .option("--judge-sampling <name=value,...>", "how the model's verdicts are sampled", samplingFlag);
  const exported = add(
    train,
    "export",
    "write what a memory's model would learn from as a job for another trainer",
    () => import("./commands/train-export.ts"),
  );
  torchFlags(judge(policyFlags(exported, "model")))
    .option("--for <trainer>", "trl, swift (ms-swift) or verl (the paper's fork)")
    .option("--out <directory>", "where the job is written")
    .option("--kind <kind>", "what is trained: vector (default), lora or all")
    .option(
      "--block <n>",
      "vector: block that it is added after (default: at 0.47 of the depth)",
      wholeNumber,
    )
    .option("--weights <name>", "the weights as transformers finds them (default: --model)")
    .option("--recipe <name>", "named settings (default: default; for verl the paper's)")
    .option("--learning-rate <rate>", "of Adam (default: vector as the recipe says, lora 1e-5, all 1e-6)")
    .option("--steps <n>", "all steps (default: as the recipe says)", wholeNumber)
    .option("--pairs-at-once <n>", "pairs the trainer has in memory at once (default: 1)", wholeNumber)
    .option("--seed <text>", "random seed of the draws");
  const imported = add(
    train,
    "import <path>",
    "take back what a trainer made of a job, try it, and make it active if it does better",
    () => import("./commands/train-import.ts"),
  );
  torchFlags(judge(policyFlags(imported, "model")))
    .option("--block <n>", "the block to take of a file with several", wholeNumber)
    .option("--served-as <name>", "lora: the name that the model's server knows it by");
}

const videoBenchmarks: Readonly<Record<BenchmarkName, string>> = {
  videomme: "Video-MME's videos as streams",
  egolife: "EgoLife's week on video, or as texts with --text",
  egotempo: "EgoTempo's clips as streams",
  m3bench: "M3-Bench's robot and web videos as streams",
};

function addBench(program: Command, add: Add): void {
  const bench = group(program, "bench", "run a benchmark as a stream, and draw the results");
  for (const [name, description] of Object.entries(videoBenchmarks) as [BenchmarkName, string][]) {
    const load: Load = () =>
      name === "egolife"
        ? import("./commands/bench-egolife.ts")
        : import("./commands/bench-run.ts").then(({ run }) => ({ run: (call) => run(call, name) }));
    const command = writingFlags(endpointFlags(add(bench, name, description, load)))
      .option("--root <directory>", "folder of the benchmark's files")
      .option("--annotations <file>", "questions to read instead of those found below --root")
      .option("--policy <name>", "what writes the base row: choice (no model) or model")
      .option("--weights <file>", "what the choice policy learned in Phase One")
      .option("--budget <share>", "rows of the choice policy: share of the candidate tokens to keep, 0 to 1")
      .option(...leastTokensFlag)
      .option(
        "--rows <names>",
        "some of keep-nothing,keep-all,uniform,base,best-of-n,words,task-prompt,phase-one,taskmem",
      )
      .option(
        "--phase-one <name>",
        "model: one that went through Phase One, at the same place; TaskMem learns on top",
      )
      .option(
        "--lesson-judge <name>",
        "model: who compares memories for TaskMem: local, encoder, model or questions",
      )
      .option("--recipe <name>", "model in a folder: named settings of TaskMem's lessons (docs/models.md)")
      .option("--updates <when>", "learn after every question, or after so many, as 5,10,30,50")
      .option("--frames-per-clip <n>", "model: frames sent of each clip of the window (default: all)")
      .option(
        "--picture-tokens <n>",
        "model: tokens of pictures in one request; older clips are thinned first",
      )
      .option("--variant <name>", "egolife: full-stream, or oracle (only the spans around the evidence)")
      .option("--order <how>", "official or seeded:<n>")
      .option("--group <names>", "only these classes: short,medium,long of videomme, robot,web of m3bench")
      .option("--limit <n>", "only the first n questions", wholeNumber)
      .option("--votes <n>", "answers to each question; the majority counts", wholeNumber)
      .option("--answer-model <name>", "who answers (default: --model)")
      .option("--judge-model <name>", "who grades open answers (default: --model)")
      .option("--no-screen-text", "do not read text in the picture")
      .option("--seed <text>", "random seed of the run")
      .option("--runs <directory>", "where the run is written (default: runs)")
      .option("--run <id>", "name of the run (default: from its settings)")
      .option("--resume", "continue a run that was stopped");
    if (name === "egolife") egoLifeTextFlags(command);
  }
  add(
    bench,
    "household",
    "films of simulated households, whose truth is known",
    () => import("./commands/bench-household.ts"),
  )
    .option("--policy <name>", "nano (default) or choice")
    .option(
      "--judge <name>",
      "nano: memories are compared by words (default) or by truth, which knows the films",
    )
    .option("--limit <n>", "only the first n films", wholeNumber)
    .option("--runs <directory>", "where the run is written (default: runs)")
    .option("--resume", "continue a run that was stopped");
  add(
    bench,
    "report <runs...>",
    "one page of tables and plots of some runs",
    () => import("./commands/bench-report.ts"),
  ).option("--out <directory>", "where the page is written (default: the first run's folder)");
}

/** Flags of EgoLife's week as texts. */
function egoLifeTextFlags(command: Command): Command {
  return command
    .option("--text", "on transcript and captions instead of video, without a model")
    .option("--policies <names>", "--text: policies to compare, separated by commas")
    .option("--budgets <shares>", "--text: shares of the tokens to keep, as .05,.1,.2")
    .option("--window <seconds>", "--text: stream time of one decision")
    .option("--lang <tag>", "--text: en or zh")
    .option("--foreign <file>", "--text: JSON with other people's questions, for the control", collect);
}

/** A command that only holds others. */
function group(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .exitOverride()
    .configureHelp({ showGlobalOptions: true });
}

/** Flags of the configuration, and of the model it names. */
function endpointFlags(command: Command): Command {
  return command
    .option("-c, --config <file>", "configuration file (default: taskmem.config.ts)")
    .option("--base-url <url>", "OpenAI-compatible endpoint; repeat for several of the same model", collect)
    .option("--model <name>", "model at that endpoint, local:NAME for a GGUF model here, or a folder")
    .option("--prices <file>", "what models cost, by name, as JSON")
    .option("--requests-per-minute <n>", "calls of the model that begin in any minute")
    .option("--tokens-per-minute <n>", "tokens of the calls that begin in any minute")
    .option(
      "--preset <name>",
      "family of the model, whose options fill those left out, or none (default: as its name says)",
    )
    .option("--thinking <on|off>", "whether the model reasons first, where it can be told")
    .option(
      "--timeout <seconds>",
      "longest silence of the model, before a token and between two (default: 120)",
    )
    .option("--extra-body <json>", "fields sent with every request, for options of one server")
    .option(
      "--steering <way>",
      `how the server applies an adapter to a request: ${steeringWays.slice(1).join(", ")}`,
    );
}

/** Flags of how a model writes memories. */
function writingFlags(command: Command): Command {
  return command
    .option("--temperature <t>", "model: sampling temperature")
    .option(
      "--sampling <name=value,...>",
      "model: top_p, top_k, min_p, repetition_penalty, presence_penalty, frequency_penalty, max_tokens, seed",
      samplingFlag,
    )
    .option("--prompt-template <file>", "model: words of the prompt, as taskmem prompt prints them");
}

/** `top_p=0.8,max-tokens=512` as options. */
function samplingFlag(text: string, earlier: object = {}): object {
  const pairs = text.split(",").map((pair) => pair.split("="));
  const wrong = pairs.find((pair) => pair.length !== 2 || pair.some((part) => part.trim() === ""));
  if (wrong) throw new InvalidArgumentError(`Expected name=value,name=value, got ${wrong.join("=")}.`);
  const camel = (name: string) => name.replace(/[-_]([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const named = pairs.map(([name, value]) => [camel(name!.trim()), value!.trim()]);
  return { ...earlier, ...Object.fromEntries(named) };
}

/** A command that runs. */
function leaf(
  parent: Command,
  usage: string,
  description: string,
  load: Load,
  context: ProgramContext,
): Command {
  const name = usage.split(" ")[0];
  const isDefault =
    name ===
    { adapt: "status", tasks: "list", models: "list", serve: "start", worker: "start" }[parent.name()];
  return parent
    .command(usage, { isDefault })
    .description(description)
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
      const configFile = options.config as string | undefined;
      const invocation = {
        ...{ output, flags, configFile, options },
        get signal() {
          return context.signal;
        },
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

/** A flag that may be repeated. */
function collect(value: string, earlier: readonly string[] = []): string[] {
  return [...earlier, value];
}
