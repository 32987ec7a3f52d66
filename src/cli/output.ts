/** What people and programs see: results on stdout (text, or one JSON object a line), progress and notes on stderr. */
import type { TaskMemError } from "../errors.ts";

/** Where a command writes. */
export interface Output {
  readonly json: boolean;
  /** One result line for people; silent in JSON mode. */
  text(line: string): void;
  /** One JSON object a line; silent in text mode. */
  object(value: unknown): void;
  /** A remark on stderr, in both modes. */
  note(line: string): void;
  /** Replaces the progress line at the bottom of a terminal; silent elsewhere. */
  progress(line: string): void;
  /** Dims text where the terminal has colour. */
  dim(text: string): string;
  bold(text: string): string;
}

interface Terminal {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: NodeJS.ProcessEnv;
}

/** Output for people, or with `json` for programs. */
export function createOutput(json: boolean, { stdout, stderr, env }: Terminal = process): Output {
  const colour = stdout.isTTY === true && !env.NO_COLOR && env.TERM !== "dumb";
  const live = stderr.isTTY === true && !env.CI;
  let shown = false;
  const clear = () => {
    if (shown) stderr.write("\r\x1b[K");
    shown = false;
  };
  const paint = (code: number) => (text: string) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);
  return {
    json,
    text(line) {
      if (json) return;
      clear();
      stdout.write(`${line}\n`);
    },
    object(value) {
      if (!json) return;
      clear();
      stdout.write(`${JSON.stringify(value)}\n`);
    },
    note(line) {
      clear();
      stderr.write(`${line}\n`);
    },
    progress(line) {
      if (!live) return;
      const width = stderr.columns || 80;
      stderr.write(`\r\x1b[K${line.slice(0, width - 1)}`);
      shown = line !== "";
    },
    dim: paint(2),
    bold: paint(1),
  };
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
