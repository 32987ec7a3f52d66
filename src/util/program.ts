/**
 * Programs that TaskMem runs as child processes: ffmpeg, ffprobe, tesseract. They are found by environment variable or
 * PATH, never bundled.
 */
import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { ConfigError } from "../errors.ts";
import type { Environment } from "./environment.ts";

/** A program that TaskMem runs. */
export type ProgramName = "ffmpeg" | "ffprobe" | "tesseract";

const packages: Record<ProgramName, { apt: string; brew: string; winget: string }> = {
  ffmpeg: { apt: "ffmpeg", brew: "ffmpeg", winget: "Gyan.FFmpeg" },
  ffprobe: { apt: "ffmpeg", brew: "ffmpeg", winget: "Gyan.FFmpeg" },
  tesseract: { apt: "tesseract-ocr", brew: "tesseract", winget: "UB-Mannheim.TesseractOCR" },
};

/** The line that installs a program on a platform. */
export function installHint(name: ProgramName, platform: NodeJS.Platform = process.platform): string {
  const { apt, brew, winget } = packages[name];
  if (platform === "darwin") return `brew install ${brew}`;
  if (platform === "win32") return `winget install ${winget}`;
  return `sudo apt-get install -y ${apt}`;
}

/** The path of a program from `<NAME>_PATH` or PATH, or `null`. */
export function findProgram(name: ProgramName, env: Environment = process.env): string | null {
  const configured = env[`${name.toUpperCase()}_PATH`];
  if (configured) return isExecutable(configured) ? configured : null;
  const file = process.platform === "win32" ? `${name}.exe` : name;
  for (const directory of (env.PATH ?? "").split(delimiter)) {
    const candidate = join(directory, file);
    if (directory !== "" && isExecutable(candidate)) return candidate;
  }
  return null;
}

/** The path of a program, as `findProgram` finds it. @throws ConfigError `program-missing` with the install line */
export function requireProgram(name: ProgramName, env: Environment = process.env): string {
  const path = findProgram(name, env);
  if (path !== null) return path;
  throw new ConfigError(
    "program-missing",
    `The program \`${name}\` is not in PATH or ${name.toUpperCase()}_PATH. Install it with \`${installHint(name)}\`.`,
    { details: { program: name } },
  );
}

/**
 * Starts a program. What keeps it from starting reaches `onError` as a ConfigError; no `error` event need be heard.
 * @throws ConfigError `program-unstartable` if this process may open no more files
 */
export function startProgram(
  path: string,
  args: readonly string[],
  options: SpawnOptions,
  onError: (error: unknown) => void,
): ChildProcess {
  let child: ChildProcess;
  try {
    child = spawn(path, args, options);
  } catch (cause) {
    throw unstartable(path, cause);
  }
  const isStarted = (child.stdio as ChildProcess["stdio"] | undefined) !== undefined;
  child.on("error", (cause) => {
    if (isStarted) onError(cause.name === "AbortError" ? cause : unstartable(path, cause));
  });
  // Without descriptors Node makes no pipes, and reports it too late to be caught here.
  if (!isStarted) throw unstartable(path, Object.assign(new Error("spawn EMFILE"), { code: "EMFILE" }));
  return child;
}

/** What to do where the process has all files open that it may. */
export const noMoreFiles =
  "no more files may be opened. Raise the limit, for instance with `ulimit -n 256`, or watch fewer streams at once";

/** Whether an error says that no more files may be opened; modules that cannot be loaded say it in words only. */
export function isOutOfFiles(error: unknown): boolean {
  const { code, message = "" } = error as NodeJS.ErrnoException;
  return code === "EMFILE" || code === "ENFILE" || message.includes("too many open files");
}

/** Why a program cannot be started, with what to do. */
function unstartable(path: string, cause: unknown): ConfigError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const why = isOutOfFiles(cause)
    ? noMoreFiles
    : code === "EAGAIN" || code === "ENOMEM"
      ? "there are too many processes or there is too little memory. End some, or raise `ulimit -u`"
      : `${message}. Check that it is a program for this machine`;
  return new ConfigError("program-unstartable", `The program ${path} cannot be started: ${why}.`, {
    cause,
    details: { program: path },
  });
}

/** The result of a program. */
export interface RunResult {
  readonly exitCode: number | null;
  readonly stdout: Buffer;
  /** The last 64 KiB of its error output. */
  readonly stderr: string;
}

/** Runs a program to its end and keeps its output in memory: for short outputs. An abort kills it. */
export async function runProgram(
  path: string,
  args: readonly string[],
  options: { input?: Uint8Array; signal?: AbortSignal | undefined; env?: Environment } = {},
): Promise<RunResult> {
  const { promise, resolve, reject } = Promise.withResolvers<RunResult>();
  const spawnOptions: SpawnOptions = {
    stdio: [options.input ? "pipe" : "ignore", "pipe", "pipe"],
    windowsHide: true,
    ...(options.signal && { signal: options.signal, killSignal: "SIGKILL" as const }),
    ...(options.env && { env: options.env }),
  };
  const child = startProgram(path, args, spawnOptions, reject);
  const stdout: Buffer[] = [];
  let stderr = "";
  child.stdout?.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-65_536);
  });
  child.on("close", (exitCode) => resolve({ exitCode, stdout: Buffer.concat(stdout), stderr }));
  if (options.input && child.stdin) {
    child.stdin.on("error", () => {}); // the program may close its input early; its exit code reports a failure
    child.stdin.end(options.input);
  }
  return promise;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
