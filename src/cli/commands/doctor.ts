/**
 * `taskmem doctor`: checks programs, configuration, memory and senses, says what to do about what is broken, and what
 * this set-up cannot perceive.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { leftOutLines, whyNothing } from "../../answer/left-out.ts";
import { type Config, loadConfig, policyName } from "../../config.ts";
import type { LeftOut, Memory } from "../../memory/memory.ts";
import { configuredModel, configuredPerceptors, openConfiguredMemory } from "../../taskmem/assembly.ts";
import { type EffectiveOption, effectiveOptions } from "../../taskmem/effective-options.ts";
import { hasPackage, installLine, type OptionalPackage, optionalUses } from "../../util/optional.ts";
import { findProgram, installHint, type ProgramName, runProgram } from "../../util/program.ts";
import type { Invocation } from "../invocation.ts";
import { counted, exitCodes } from "../output.ts";

interface Check {
  readonly check: string;
  /** `missing` is something TaskMem works without. */
  readonly state: "ok" | "missing" | "broken";
  readonly detail: string;
  readonly fix: string | null;
  /** What was left out of a stream. */
  readonly leftOut?: readonly LeftOut[];
  /** Every option, and what set it. */
  readonly options?: readonly EffectiveOption[];
}

export async function run({ output, flags, configFile, signal }: Invocation): Promise<number> {
  const checks: Check[] = [];
  const report = (check: Check) => {
    checks.push(check);
    output.object(check);
    const mark = check.leftOut
      ? "part  "
      : { ok: "ok    ", missing: "off   ", broken: "BROKEN" }[check.state];
    output.text(
      ...`${mark}  ${check.check}: ${check.detail}`.split("\n"),
      ...(check.fix ? [`        ${check.fix}`] : []),
    );
  };
  report({ check: "node", state: "ok", detail: process.version, fix: null });
  report(await program("ffmpeg", ["-version"], "broken"));
  report(await program("ffprobe", ["-version"], "broken"));
  report(await program("tesseract", ["--version"], "missing"));
  for (const [name, use] of Object.entries(optionalUses)) report(optionalCheck(name as OptionalPackage, use));

  const config = await attempt("configuration", () => loadConfig(flags, { file: configFile }));
  if ("failed" in config) {
    report(config.failed);
    return exitCodes.usage;
  }
  const { memory: directory, model } = config.value;
  const options = await effectiveOptions(flags, { file: configFile });
  report({
    check: "configuration",
    state: "ok",
    detail: `memory ${directory}, policy ${policyName(config.value)}, ${model.model === undefined ? "no model" : `model ${model.model}`}${optionLines(options)}`,
    fix: null,
    options,
  });
  for (const check of await memoryChecks(config.value)) report(check);
  const senses = [
    await modelCheck(config.value, signal),
    await transcriberCheck(config.value, signal),
    screenTextCheck(config.value),
  ];
  for (const { check } of senses) report(check);

  const broken = checks.filter(({ state }) => state === "broken").length;
  if (broken > 0) output.text(`${broken} broken`);
  const lacks = senses.flatMap(({ lacks }) => lacks ?? []);
  if (lacks.length > 0)
    output.text(`${broken > 0 ? "besides," : "this set-up works, but"} ${lacks.join("; ")}`);
  else if (broken === 0) output.text("everything works: this set-up hears, sees and reads");
  return broken === 0 ? exitCodes.done : exitCodes.usage;
}

/** A check of a sense, and what is not perceived without it. */
interface Sense {
  readonly check: Check;
  readonly lacks: string | null;
}

async function program(
  name: ProgramName,
  args: readonly string[],
  without: "missing" | "broken",
): Promise<Check> {
  const path = findProgram(name);
  const hint = installHint(name);
  if (path === null) return { check: name, state: without, detail: "not found in PATH", fix: hint };
  const { exitCode, stdout, stderr } = await runProgram(path, args);
  const version = (stdout.toString() || stderr).split("\n")[0]!.trim();
  return exitCode === 0
    ? { check: name, state: "ok", detail: `${version} (${path})`, fix: null }
    : { check: name, state: without, detail: `${path} exits with ${exitCode}`, fix: hint };
}

function optionalCheck(name: OptionalPackage, use: string): Check {
  return hasPackage(name)
    ? { check: name, state: "ok", detail: `installed, for ${use}`, fix: null }
    : { check: name, state: "missing", detail: `not installed; only for ${use}`, fix: installLine(name) };
}

/** A line for each option that is not as it is by default, with what set it. */
function optionLines(options: readonly EffectiveOption[]): string {
  return options
    .filter(({ from }) => from !== "default")
    .map(({ option, value, from }) => `\n        ${option} ${JSON.stringify(value)} (${from})`)
    .join("");
}

async function memoryChecks(config: Config): Promise<Check[]> {
  if (!existsSync(join(config.memory, "memory.db"))) {
    const detail = `none yet in ${config.memory}: nothing was watched`;
    return [{ check: "memory", state: "ok", detail, fix: "taskmem watch <source>" }];
  }
  const checked = await attempt("memory", async () => {
    const { memory } = await openConfiguredMemory(config, { mustExist: true, readOnly: "if-needed" });
    try {
      return {
        problems: await memory.check(),
        stats: await memory.stats(),
        failures: await memory.clipFailures(),
        streams: await streamChecks(memory),
      };
    } finally {
      await memory.close();
    }
  });
  if ("failed" in checked) return [checked.failed];
  const { problems, stats, failures, streams } = checked.value;
  if (problems.length > 0) {
    const fix = "export what can be read: taskmem export <directory>";
    return [{ check: "memory", state: "broken", detail: problems.join(" "), fix }];
  }
  const { clips, entries, tasks, databaseBytes, blobBytes } = stats;
  const sound = `${counted(stats.streams, "stream")}, ${counted(clips, "clip")}, ${counted(entries, "entry", "entries")}, ${counted(tasks, "question")}, ${((databaseBytes + blobBytes) / 1e6).toFixed(1)} MB, sound`;
  const failed = `; ${failures.length} clips failed, last: ${failures.at(-1)?.failure.message}`;
  return [
    {
      ...{ check: "memory", state: "ok", detail: failures.length === 0 ? sound : `${sound}${failed}` },
      fix: failures.length === 0 ? null : "watch the stream again to retry them",
    },
    ...streams,
  ];
}

/** Streams of which something was left out or nothing is remembered. */
async function streamChecks(memory: Memory): Promise<Check[]> {
  const checks: Check[] = [];
  for (const stream of await memory.streams()) {
    const { id, leftOut } = stream;
    const why = await whyNothing(memory, [stream]);
    if (why === null && leftOut.length === 0) continue;
    const detail = why === null ? `left out: ${leftOutLines(leftOut).join(" ")}` : why.join(" ");
    checks.push({ check: `stream ${id}`, state: "missing", detail, fix: null, leftOut });
  }
  return checks;
}

async function modelCheck(config: Config, signal: AbortSignal): Promise<Sense> {
  const model = configuredModel(config);
  const lacks = "no model looks at pictures, so what they show is not described";
  if (!model) {
    const check: Check = {
      ...{ check: "model", state: "missing" },
      detail: "none configured; the choice policy and the local reader work without one",
      fix: "--base-url and --model, or TASKMEM_BASE_URL and TASKMEM_MODEL",
    };
    return { check, lacks: policyName(config) === "nano" ? null : lacks };
  }
  const probed = await attempt("model", () => model.capabilities(signal));
  if ("failed" in probed) return { check: probed.failed, lacks };
  const can = Object.entries(probed.value)
    .filter(([, able]) => able)
    .map(([name]) => name);
  const detail = `${model.id} can ${can.join(", ") || "text only"}`;
  const sees = probed.value.images && policyName(config) !== "choice";
  return { check: { check: "model", state: "ok", detail, fix: null }, lacks: sees ? null : lacks };
}

/** Transcribes a moment of silence. */
async function transcriberCheck(config: Config, signal: AbortSignal): Promise<Sense> {
  const { transcriber } = configuredPerceptors(config);
  const lacks = "what is heard is not transcribed, so speech is known from subtitles only";
  if (transcriber === null) {
    const check: Check = {
      ...{ check: "transcriber", state: "missing", detail: "none configured; speech is read from subtitles" },
      fix: "--transcribe-base-url and --transcribe-model, or TASKMEM_TRANSCRIBE_BASE_URL and TASKMEM_TRANSCRIBE_MODEL",
    };
    return { check, lacks };
  }
  const silence = { startSeconds: 0, samples: new Int16Array(8000) };
  const tried = await attempt("transcriber", () => transcriber.transcribe(silence, { signal }));
  if ("failed" in tried) return { check: tried.failed, lacks };
  return { check: { check: "transcriber", state: "ok", detail: transcriber.id, fix: null }, lacks: null };
}

function screenTextCheck(config: Config): Sense {
  const { screenReader, leftOut = [] } = configuredPerceptors(config);
  const missing = leftOut.map(({ reason }) => reason).join(" ");
  const detail = config.screenText ? missing || "read" : "switched off";
  const isWhole = screenReader !== null && missing === "";
  return {
    check: { check: "text in the picture", state: isWhole ? "ok" : "missing", detail, fix: null },
    lacks: screenReader === null ? "text in the picture is not read" : null,
  };
}

async function attempt<T>(check: string, work: () => Promise<T>): Promise<{ value: T } | { failed: Check }> {
  try {
    return { value: await work() };
  } catch (error) {
    return { failed: { check, state: "broken", detail: (error as Error).message, fix: null } };
  }
}
