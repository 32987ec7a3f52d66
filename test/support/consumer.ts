/** An empty project that installs the package as npm would hand it out, with npm's own cache between runs. */
import { execFile } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { ensureBuilt, root } from "./built.ts";
import { temporaryFolder } from "./cli.ts";

/** The oldest Node the package says it runs on. */
const oldestNode = /\d+\.\d+/.exec(packageJson().engines.node)![0];

/** What a program left behind. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A project with the package installed, and nothing else. */
export interface Consumer {
  readonly directory: string;
  /** Runs a program in the project, by default on the repository's Node. Never throws for its exit code. */
  run(program: string, args: readonly string[], node?: string): Promise<Ran>;
  /** Writes a file of the project. */
  write(name: string, text: string): void;
  /** Deletes the project. */
  remove(): void;
  /** Gives the project the repository's copy of some packages. */
  addFromRepository(names: readonly string[]): void;
}

/** The fields of our package.json that tests read. */
export function packageJson(): {
  readonly version: string;
  readonly engines: { readonly node: string };
  readonly exports: Readonly<Record<string, unknown>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
} {
  return JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
}

/** Packs and installs the package; `null` where the registry cannot be reached. */
export async function installedPackage(): Promise<Consumer | null> {
  ensureBuilt();
  const directory = temporaryFolder();
  const run: Consumer["run"] = (program, args, node = process.execPath) =>
    ran(program, args, { cwd: directory, node });
  const remove = () => rmSync(directory, { recursive: true, force: true });
  const write = (name: string, text: string) => writeFileSync(join(directory, name), text);
  write("package.json", JSON.stringify({ name: "consumer", private: true, type: "module" }));
  const pack = ["pack", "--ignore-scripts", "--json", "--pack-destination", directory, root];
  const [{ filename }] = JSON.parse(succeeded(await run("npm", pack)).stdout);
  const installed = await run("npm", ["install", ...quietly, `./${filename}`]);
  if (isOffline(installed)) {
    remove();
    return null;
  }
  succeeded(installed);
  return { directory, run, write, addFromRepository: (names) => link(directory, names), remove };
}

/** Path of the oldest Node the package allows, kept in the user's cache; `null` where the registry cannot be reached. */
export async function oldNode(): Promise<string | null> {
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache");
  const directory = join(cache, "taskmem", `node-${oldestNode}`);
  const system = process.platform === "win32" ? "win" : process.platform;
  const name = `${process.platform === "darwin" && process.arch === "arm64" ? "node-bin" : "node"}-${system}-${process.arch}`;
  const path = join(directory, "node_modules", name, "bin", system === "win" ? "node.exe" : "node");
  if (existsSync(path)) return path;
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "package.json"), JSON.stringify({ private: true }));
  const installed = await ran("npm", ["install", ...quietly, `${name}@~${oldestNode}.0`], { cwd: directory });
  if (isOffline(installed)) return null;
  succeeded(installed);
  return path;
}

/** Bytes a directory takes on disk, in blocks of 4 KiB as `du` counts them. */
export function bytesOnDisk(directory: string): number {
  const files = readdirSync(directory, { recursive: true, encoding: "utf8" });
  return files.reduce((sum, name) => sum + Math.ceil(lstatSync(join(directory, name)).size / 4096) * 4096, 0);
}

/** What ran, unless it failed. */
export function succeeded(run: Ran): Ran {
  if (run.code !== 0) throw new Error(`exit code ${run.code}\n${run.stdout}\n${run.stderr}`);
  return run;
}

const quietly = ["--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error", "--fetch-retries=1"];

function isOffline({ code, stderr }: Ran): boolean {
  return code !== 0 && /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH/.test(stderr);
}

function ran(
  program: string,
  args: readonly string[],
  { cwd, node = process.execPath }: { cwd: string; node?: string },
): Promise<Ran> {
  // What npm tells a script about its own project would send a second npm there.
  const inherited = Object.entries(process.env).filter(([name]) => !/^(npm|taskmem|openai)_/i.test(name));
  const env = { ...Object.fromEntries(inherited), PATH: [dirname(node), process.env.PATH].join(delimiter) };
  const shell = process.platform === "win32";
  return new Promise((resolve) =>
    execFile(program, args, { cwd, env, shell, maxBuffer: 2 ** 26 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr }),
    ),
  );
}

function link(directory: string, names: readonly string[]): void {
  for (const name of names) {
    const target = join(directory, "node_modules", name);
    mkdirSync(dirname(target), { recursive: true });
    symlinkSync(join(root, "node_modules", name), target, "junction");
  }
}
