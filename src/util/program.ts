/** Programs TaskMem calls as child processes: ffmpeg, ffprobe, tesseract. Found by environment or PATH, never bundled. */
import { type SpawnOptions, spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { ConfigError } from "../errors.ts";
import type { Environment } from "./environment.ts";

export type ProgramName = "ffmpeg" | "ffprobe" | "tesseract";

const packages: Record<ProgramName, { apt: string; brew: string; winget: string }> = {
  ffmpeg: { apt: "ffmpeg", brew: "ffmpeg", winget: "Gyan.FFmpeg" },
  ffprobe: { apt: "ffmpeg", brew: "ffmpeg", winget: "Gyan.FFmpeg" },
  tesseract: { apt: "tesseract-ocr", brew: "tesseract", winget: "UB-Mannheim.TesseractOCR" },
};

/** The one line a person runs to get a program on this platform. */
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

/** As `findProgram`, but a missing program is a `ConfigError` that says how to get it. */
export function requireProgram(name: ProgramName, env: Environment = process.env): string {
  const path = findProgram(name, env);
  if (path !== null) return path;
  throw new ConfigError(
    "program-missing",
    `Expected the program \`${name}\` in PATH or ${name.toUpperCase()}_PATH, found none: run \`${installHint(name)}\``,
    { details: { program: name } },
  );
}

export interface RunResult {
  readonly exitCode: number | null;
  readonly stdout: Buffer;
  /** The last 64 KiB. */
  readonly stderr: string;
}

/** Runs a program to its end with everything in memory: for short, small outputs. An abort kills it. */
export function runProgram(
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
  const child = spawn(path, args, spawnOptions);
  const stdout: Buffer[] = [];
  let stderr = "";
  child.stdout?.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-65_536);
  });
  child.on("error", reject);
  child.on("close", (exitCode) => resolve({ exitCode, stdout: Buffer.concat(stdout), stderr }));
  if (options.input && child.stdin) {
    child.stdin.on("error", () => {}); // the program may close its input early; its exit code tells
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
