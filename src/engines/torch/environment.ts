/**
 * The Python that the worker runs in: an environment of its own with exact versions, made by `taskmem train setup`, or
 * the one that `TASKMEM_PYTHON` names.
 */
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { ConfigError, EngineError } from "../../errors.ts";
import type { Environment } from "../../util/environment.ts";
import { sha256 } from "../../util/hash.ts";
import { runProgram } from "../../util/program.ts";

/** A build of torch. */
export type TorchBuild = "cpu" | "cuda";

const torch = "torch==2.13.0";
/** What the worker imports besides torch; the last two read GGUF files. */
const packages = [
  ...["transformers==5.23.0", "safetensors==0.8.0", "pillow==13.0.0", "numpy==2.4.6"],
  ...["gguf==0.19.0", "accelerate==1.15.0"],
];

/** What a build is downloaded from besides the package index, and what it takes: download and disk, about. */
export const torchBuilds: Readonly<
  Record<TorchBuild, { readonly index: string | null; readonly size: string }>
> = {
  cpu: {
    index: "https://download.pytorch.org/whl/cpu",
    size: "about 300 MB to download, 1 GB on disk",
  },
  cuda: { index: null, size: "about 3 GB to download, 6 GB on disk" },
};

/** Where a build is kept: in the user's cache, by versions. */
export function torchDirectory(build: TorchBuild, env: Environment = process.env): string {
  const cache = env.XDG_CACHE_HOME || join(homedir(), ".cache");
  const versions = sha256([torch, ...packages].join(" ")).slice(0, 8);
  return join(cache, "taskmem", `torch-${build}-${versions}`);
}

/** The Python with torch: `TASKMEM_PYTHON`, or that of an environment that was set up; `null` for none. */
export function findTorchPython(env: Environment = process.env): string | null {
  if (env.TASKMEM_PYTHON) return env.TASKMEM_PYTHON;
  const builds: readonly TorchBuild[] = ["cuda", "cpu"];
  return (
    builds.map((build) => pythonOf(torchDirectory(build, env))).find((python) => existsSync(python)) ?? null
  );
}

/** As `findTorchPython`. @throws ConfigError `torch-missing` with the line that sets it up */
export function requireTorchPython(env: Environment = process.env): string {
  const python = findTorchPython(env);
  if (python !== null) return python;
  throw new ConfigError(
    "torch-missing",
    `A model in a folder runs in Python with torch, which is not set up: \`taskmem train setup\` (${torchBuilds.cpu.size}), or set TASKMEM_PYTHON to a Python that has torch and transformers.`,
  );
}

/** Options of `setUpTorch`. */
export interface TorchSetupOptions {
  readonly build: TorchBuild;
  /** Whether one that is there is replaced. @default false */
  readonly again?: boolean;
  /** Called before each step that takes a while. */
  readonly onStep?: (what: string) => void;
  readonly env?: Environment;
  readonly signal?: AbortSignal;
}

/**
 * Makes the environment, all of it or nothing; one that is there stays as it is, unless it is made `again`.
 * @returns its Python
 * @throws ConfigError `program-missing` without a Python; EngineError `torch-setup-failed` with pip's last lines
 */
export async function setUpTorch({
  build,
  again = false,
  onStep,
  env = process.env,
  signal,
}: TorchSetupOptions): Promise<string> {
  const directory = torchDirectory(build, env);
  if (existsSync(directory) && !again) return pythonOf(directory);
  const begun = `${directory}.begun`;
  rmSync(begun, { recursive: true, force: true });
  mkdirSync(dirname(begun), { recursive: true });
  const run = async (program: string, args: readonly string[]) => {
    const { exitCode, stderr } = await runProgram(program, args, { signal, env });
    signal?.throwIfAborted();
    if (exitCode === 0) return;
    const said = stderr.trim().split("\n").slice(-4).join("\n");
    throw new EngineError("torch-setup-failed", `\`${[program, ...args].join(" ")}\` failed:\n${said}`);
  };
  const python = pythonOf(begun);
  const install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
  const { index } = torchBuilds[build];
  try {
    onStep?.("making an environment");
    await run(env.PYTHON || "python3", ["-m", "venv", begun]);
    onStep?.(`installing ${torch} for ${build === "cpu" ? "CPUs" : "CUDA"} (${torchBuilds[build].size})`);
    // The extra index has this build alone, under a version that counts as newer.
    if (index)
      await run(python, [...install, "--no-deps", "--retries", "1", "--extra-index-url", index, torch]);
    await run(python, [...install, torch, ...packages]);
  } catch (error) {
    rmSync(begun, { recursive: true, force: true });
    throw error;
  }
  rmSync(directory, { recursive: true, force: true });
  // Programs of an environment name its directory, but its Python finds itself wherever it lies.
  renameSync(begun, directory);
  return pythonOf(directory);
}

function pythonOf(directory: string): string {
  return process.platform === "win32"
    ? join(directory, "Scripts", "python.exe")
    : join(directory, "bin", "python");
}
