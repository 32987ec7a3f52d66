/**
 * `taskmem doctor`: checks programs, configuration, memory and senses, says what to do about what is broken, and ends
 * with whether `watch` will work and what this set-up cannot perceive.
 */
import { loadConfig, policyName } from "../../config.ts";
import type { Check } from "../../taskmem/check.ts";
import { type EffectiveOption, effectiveOptions } from "../../taskmem/effective-options.ts";
import { torchFinding } from "../../taskmem/torch-check.ts";
import { type AnyOptionalPackage, hasPackage, installLine, optionalUses } from "../../util/optional.ts";
import { findProgram, installHint, type ProgramName, runProgram } from "../../util/program.ts";
import type { Invocation } from "../invocation.ts";
import { exitCodes } from "../output.ts";
import { attempt } from "./doctor-attempt.ts";
import { meaningChecks } from "./doctor-meaning.ts";
import { type MemoryCheck, memoryChecks } from "./doctor-memory.ts";
import { senseChecks } from "./doctor-senses.ts";

/** A check as it is printed. */
interface Printed extends MemoryCheck {
  /** Every option, and what set it. */
  readonly options?: readonly EffectiveOption[];
}

export async function run({ output, flags, configFile, signal }: Invocation): Promise<number> {
  const checks: Check[] = [];
  const lacks: string[] = [];
  const report = (check: Printed) => {
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
  const conclude = () => {
    const verdict = verdictOf(checks, lacks);
    output.object(verdict);
    output.text(`will \`watch\` work? ${verdict.detail}`);
    return verdict.state === "broken" ? exitCodes.usage : exitCodes.done;
  };
  report({ check: "node", state: "ok", detail: process.version, fix: null });
  report(await program("ffmpeg", ["-version"], "broken"));
  report(await program("ffprobe", ["-version"], "broken"));
  report(await program("tesseract", ["--version"], "missing"));
  for (const [name, use] of Object.entries(optionalUses))
    report(optionalCheck(name as AnyOptionalPackage, use));

  const config = await attempt("configuration", () => loadConfig(flags, { file: configFile }));
  if ("failed" in config) {
    report(config.failed);
    return conclude();
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
  report({ check: "torch", ...(await torchFinding(config.value)) });
  for (const check of await memoryChecks(config.value)) report(check);
  for (const check of await meaningChecks(config.value, signal)) report(check);
  for await (const { check, lacks: lack } of senseChecks(config.value, { signal, output })) {
    report(check);
    if (lack !== null) lacks.push(lack);
  }
  return conclude();
}

/** The answer to what a person wants to know. */
function verdictOf(checks: readonly Check[], lacks: readonly string[]): Check {
  const [first, ...others] = checks.filter(({ state }) => state === "broken");
  const check = "watch";
  if (first) {
    const more = others.length === 0 ? "" : `; ${others.length} more broken`;
    return {
      check,
      state: "broken",
      detail: `no, because of ${first.check}: ${statement(first.detail)}${more}`,
      fix: first.fix,
    };
  }
  if (lacks.length > 0)
    return { check, state: "missing", detail: `yes, but ${lacks.map(statement).join("; ")}`, fix: null };
  return { check, state: "ok", detail: "yes: this set-up hears, sees and reads", fix: null };
}

/** What a detail states, without what a model wrote. */
function statement(detail: string): string {
  return detail.split(': "')[0]!;
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

function optionalCheck(name: AnyOptionalPackage, use: string): Check {
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
