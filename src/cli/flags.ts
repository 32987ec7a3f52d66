/** Flags that need more than a type: their names, judges, moments. */
import { ConfigError } from "../errors.ts";
import type { StreamRecord } from "../memory/memory.ts";
import type { JudgeChoice } from "../taskmem/assembly.ts";
import { parseMoment } from "../util/time.ts";

/** A flag as it is typed: `checkpointEvery` → `--checkpoint-every`. */
export function flagOf(option: string): string {
  return `--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** The text of a flag that takes one; `undefined` where it was not given. */
export const textFlag = (value: unknown): string | undefined =>
  typeof value === "string" ? value : undefined;

/** The judge that flags name. @throws ConfigError for an unknown one */
export function judgeFlags({ judge, judgeModel }: Readonly<Record<string, unknown>>): JudgeChoice {
  if (judge !== undefined && judge !== "local" && judge !== "encoder" && judge !== "model")
    throw new ConfigError("judge-unknown", `Expected --judge to be local, encoder or model, got ${judge}`);
  const named = typeof judgeModel === "string" ? judgeModel : undefined;
  if (judge !== undefined && judge !== "model" && named !== undefined)
    throw new ConfigError(
      "flags-invalid",
      `Expected --judge model with --judge-model ${named}, got ${judge}`,
    );
  return { judge: named === undefined ? judge : "model", judgeModel: named };
}

/** Seconds of stream time of a moment on the command line. @throws ConfigError where no chosen stream's clock reads it */
export function momentFlag(flag: string, text: string, streams: readonly StreamRecord[]): number {
  for (const { clock } of streams.length > 0 ? streams : [{ clock: { kind: "media" } as const }]) {
    const seconds = parseMoment(text, clock);
    if (seconds !== null) return seconds;
  }
  throw new ConfigError(
    "moment-invalid",
    `Expected ${flag} to be a moment (83.5, HH:MM:SS, 'DAY1 11:21:02' on a day clock, a date and time on a wall clock), got ${JSON.stringify(text)}`,
  );
}
