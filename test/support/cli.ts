/** Runs the command line as people do: a child process, its output read as it comes. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

const main = resolve(import.meta.dirname, "../../src/cli/main.ts");

export type Row = Record<string, unknown>;

export interface CliRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Lines of stdout that are JSON objects. */
  readonly rows: readonly Row[];
}

export interface CliOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Called with the process as soon as it runs. */
  readonly onStart?: (child: ChildProcess) => void;
  /** Called with each complete line of stdout and the process that printed it. */
  readonly onLine?: (line: string, child: ChildProcess) => void;
}

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), "taskmem-test-"));
}

/** Ends when the command has ended; never throws for its exit code. */
export async function taskmem(args: readonly string[], options: CliOptions = {}): Promise<CliRun> {
  const { TASKMEM_API_KEY: _, OPENAI_API_KEY: __, ...inherited } = process.env;
  const child = spawn(process.execPath, [main, ...args], {
    cwd: options.cwd ?? tmpdir(),
    env: { ...inherited, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  options.onStart?.(child);
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on("line", (line) => {
    lines.push(line);
    options.onLine?.(line, child);
  });
  const { promise, resolve: done } = Promise.withResolvers<number | null>();
  child.on("close", done);
  const code = await promise;
  return { code, stdout: lines.join("\n"), stderr, rows: lines.map(parseRow).filter((row) => row !== null) };
}

/** The JSON object on a line, or `null` where the line is something else (a line cut by a kill, say). */
export function parseRow(line: string): Row | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Row) : null;
  } catch {
    return null;
  }
}
