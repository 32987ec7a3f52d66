/** What a check is, and what the checks of a model share. */
import { type Config, policyName } from "../config.ts";
import type { Model, ModelCapabilities } from "../engine.ts";
import { oneLine } from "../util/plain-text.ts";

/** One thing that was checked. */
export interface Check {
  readonly check: string;
  /** `missing` is something TaskMem works without. */
  readonly state: "ok" | "missing" | "broken";
  readonly detail: string;
  /** What to do about it. */
  readonly fix: string | null;
}

/** A check without its name. */
export type Finding = Omit<Check, "check">;

/** What the checks of a model share. */
export interface Checked {
  readonly config: Config;
  readonly model: Model;
  readonly can: ModelCapabilities;
  readonly signal: AbortSignal | undefined;
  /** Milliseconds. */
  readonly now: () => number;
}

/** What works. */
export const ok = (detail: string, fix: string | null = null): Finding => ({ state: "ok", detail, fix });
/** What does not, and what to do; the rest works without it. */
export const missing = (detail: string, fix: string): Finding => ({ state: "missing", detail, fix });
/** What nothing works without. */
export const broken = (detail: string, fix: string | null): Finding => ({ state: "broken", detail, fix });

/** Whether the model writes the memories; otherwise it reads them, or judges. */
export function writesMemories(config: Config): boolean {
  return policyName(config) === "model" || policyName(config) === "best-of-n";
}

/** The beginning of what a model wrote, on one line. */
export function quoted(text: string): string {
  const line = oneLine(text);
  return JSON.stringify(line.length > 120 ? `${line.slice(0, 119)}…` : line);
}
