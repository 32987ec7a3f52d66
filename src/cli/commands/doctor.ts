/** `taskmem doctor`: checks programs, configuration, memory and endpoint, and says what to do about what is broken. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Config, loadConfig, policyName } from "../../config.ts";
import { configuredModel, openConfiguredMemory } from "../../taskmem/assembly.ts";
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
}

export async function run({ output, flags, configFile, signal }: Invocation): Promise<number> {
  const checks: Check[] = [];
  const report = (check: Check) => {
    checks.push(check);
    output.object(check);
    const mark = { ok: "ok    ", missing: "off   ", broken: "BROKEN" }[check.state];
    output.text(`${mark}  ${check.check}: ${check.detail}${check.fix ? `\n        ${check.fix}` : ""}`);
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
  report({
    check: "configuration",
    state: "ok",
    detail: `memory ${directory}, policy ${policyName(config.value)}, ${model.model === undefined ? "no model" : `model ${model.model}`}`,
    fix: null,
  });
  for (const check of [await memoryCheck(config.value), await modelCheck(config.value, signal)])
    if (check) report(check);

  const broken = checks.filter(({ state }) => state === "broken").length;
  output.text(broken === 0 ? "everything that is needed works" : `${broken} broken`);
  return broken === 0 ? exitCodes.done : exitCodes.usage;
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

async function memoryCheck(config: Config): Promise<Check> {
  if (!existsSync(join(config.memory, "memory.db"))) {
    return { check: "memory", state: "ok", detail: `none yet in ${config.memory}`, fix: null };
  }
  const checked = await attempt("memory", async () => {
    const memory = await openConfiguredMemory(config, { mustExist: true });
    try {
      return {
        problems: await memory.check(),
        stats: await memory.stats(),
        failures: await memory.clipFailures(),
      };
    } finally {
      await memory.close();
    }
  });
  if ("failed" in checked) return checked.failed;
  const { problems, stats, failures } = checked.value;
  if (problems.length > 0) {
    return {
      check: "memory",
      state: "broken",
      detail: problems.join(" "),
      fix: "export what can be read: taskmem export <directory>",
    };
  }
  const { streams, clips, entries, tasks, databaseBytes, blobBytes } = stats;
  const detail = `${counted(streams, "stream")}, ${counted(clips, "clip")}, ${counted(entries, "entry", "entries")}, ${counted(tasks, "question")}, ${((databaseBytes + blobBytes) / 1e6).toFixed(1)} MB, sound`;
  return failures.length === 0
    ? { check: "memory", state: "ok", detail, fix: null }
    : {
        check: "memory",
        state: "ok",
        detail: `${detail}; ${failures.length} clips failed, last: ${failures.at(-1)!.failure.message}`,
        fix: "watch the stream again to retry them",
      };
}

async function modelCheck(config: Config, signal: AbortSignal): Promise<Check> {
  const model = configuredModel(config);
  if (!model)
    return {
      check: "model",
      state: "missing",
      detail: "none configured; the choice policy and the local reader work without one",
      fix: "--base-url and --model, or TASKMEM_BASE_URL and TASKMEM_MODEL",
    };
  const probed = await attempt("model", () => model.capabilities(signal));
  if ("failed" in probed) return probed.failed;
  const can = Object.entries(probed.value)
    .filter(([, able]) => able)
    .map(([name]) => name);
  return {
    check: "model",
    state: "ok",
    detail: `${model.id} can ${can.join(", ") || "text only"}`,
    fix: null,
  };
}

async function attempt<T>(check: string, work: () => Promise<T>): Promise<{ value: T } | { failed: Check }> {
  try {
    return { value: await work() };
  } catch (error) {
    return { failed: { check, state: "broken", detail: (error as Error).message, fix: null } };
  }
}
