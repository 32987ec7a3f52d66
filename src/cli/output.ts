/**
 * What people and programs see: results on stdout (text, or one JSON object a line), progress and notes on stderr.
 *
 * Everything that is printed passes here. It holds no key, and nothing that a terminal would obey but what is written
 * here itself.
 */
import type { TaskMemError } from "../errors.ts";
import { shownJson, shownText } from "../util/plain-text.ts";
import { masked, maskedMessage } from "../util/secrets.ts";
import { steadyMs } from "../util/steady-clock.ts";

/** Where a command writes. */
export interface Output {
  readonly json: boolean;
  /** Result lines for people; silent in JSON mode. A line end inside a line is shown, not obeyed. */
  text(...lines: readonly string[]): void;
  /** One JSON object a line; silent in text mode. */
  object(value: unknown): void;
  /** One JSON object a line, in both modes. */
  row(value: unknown): void;
  /** Remarks on stderr, in both modes. */
  note(...lines: readonly string[]): void;
  /** Replaces the progress line at the bottom of a terminal; silent elsewhere. */
  progress(line: string): void;
  /** What the command waits for: the progress line of a terminal; elsewhere remarks, at intervals that grow. */
  waiting(line: string): void;
  /** Dims text where the terminal has colour. */
  dim(text: string): string;
  bold(text: string): string;
}

interface Terminal {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: NodeJS.ProcessEnv;
}

/** Between remarks on what a command waits for: the shortest time and the longest, doubled after each. */
const remarkMs = { first: 10_000, most: 600_000 };

/** Output for people, or with `json` for programs. `now` is a clock in milliseconds. */
export function createOutput(
  json: boolean,
  { stdout, stderr, env }: Terminal = process,
  now: () => number = steadyMs,
): Output {
  const colour = stdout.isTTY === true && !env.NO_COLOR && env.TERM !== "dumb";
  const live = stderr.isTTY === true && !env.CI;
  let shown = false;
  let remark = { nextMs: -Infinity, intervalMs: remarkMs.first };
  const clear = () => {
    if (shown) stderr.write("\r\x1b[K");
    shown = false;
  };
  const paint = (style: keyof typeof styles) => (text: string) => `${style}${text}${plainStyle}`;
  const row = (value: unknown) => {
    clear();
    stdout.write(`${masked(shownJson(value))}\n`);
  };
  const note = (...lines: readonly string[]) => {
    clear();
    for (const line of lines) stderr.write(`${painted(shownText(maskedMessage(line)), false)}\n`);
  };
  const progress = (line: string) => {
    if (!live) return;
    const width = stderr.columns || 80;
    const shownLine = painted(shownText(masked(line)), false);
    stderr.write(`\r\x1b[K${shownLine.slice(0, width - 1)}`);
    shown = line !== "";
  };
  return {
    json,
    text(...lines) {
      if (json) return;
      clear();
      for (const line of lines) stdout.write(`${painted(shownText(masked(line)), colour)}\n`);
    },
    object(value) {
      if (json) row(value);
    },
    row,
    note,
    progress,
    waiting(line) {
      if (live) return progress(line);
      if (now() < remark.nextMs) return;
      note(line);
      const { intervalMs } = remark;
      remark = { nextMs: now() + intervalMs, intervalMs: Math.min(remarkMs.most, 2 * intervalMs) };
    },
    dim: paint(dimStyle),
    bold: paint(boldStyle),
  };
}

/** Styles inside a line until it is printed: characters that no text has, so that nothing else in it is obeyed. */
const [boldStyle, dimStyle, plainStyle] = ["\uFDD0", "\uFDD1", "\uFDD2"];
const styles = { [boldStyle]: 1, [dimStyle]: 2, [plainStyle]: 0 };

function painted(text: string, colour: boolean): string {
  return text.replace(/[\uFDD0-\uFDD2]/g, (style) => (colour ? `\x1b[${styles[style]}m` : ""));
}

/** `1 clip`, `2 clips`. */
export function counted(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}

/** Exit codes, as `docs/cli.md` lists them. */
export const exitCodes = {
  done: 0,
  bug: 1,
  usage: 2,
  input: 3,
  engine: 4,
  store: 5,
  budget: 6,
  damaged: 7,
  interrupted: 130,
} as const;

/** The exit code an error stands for. */
export function exitCodeOf(error: unknown): number {
  const { name, code } = error as Partial<TaskMemError>;
  if (code === "budget-spent") return exitCodes.budget;
  if (name === "ConfigError") return exitCodes.usage;
  if (name === "DataError") return exitCodes.input;
  if (name === "EngineError") return exitCodes.engine;
  if (name === "StoreError") return exitCodes.store;
  if (name === "AbortError") return exitCodes.interrupted;
  return exitCodes.bug;
}
