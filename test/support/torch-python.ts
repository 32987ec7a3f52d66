/** Pythons with torch for tests: the one that `taskmem train setup` makes, in the cache of the tests; or why there is none. */
import { execFile } from "node:child_process";
import { existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { setUpTorch } from "../../src/engines/torch/index.ts";
import { trlPackages } from "../../src/policies/model/jobs/trl.ts";
import { sha256 } from "../../src/util/hash.ts";
import { lock, type PythonWith, testCache } from "./python.ts";

/** Of several test files that ask at once, one makes it and the others wait. */
export async function torchPython(): Promise<PythonWith> {
  const release = await lock(`${testCache}/torch.lock`);
  try {
    return { python: await setUpTorch({ build: "cpu", env: { ...process.env, XDG_CACHE_HOME: testCache } }) };
  } catch (error) {
    return { skip: `torch cannot be set up here: ${(error as Error).message.split("\n").at(-1)}` };
  } finally {
    release();
  }
}

/** TRL and PEFT beside the Python with torch; or why not. */
export const trlPython = () => pythonBeside(trlPackages);

/** ms-swift beside the Python with torch, where it is asked for: it takes 700 MB; or why not. */
export async function swiftPython(): Promise<PythonWith> {
  if (process.env.TASKMEM_TEST_SWIFT) return pythonBeside(["ms-swift==4.6.0"]);
  return { skip: "installs ms-swift (700 MB): TASKMEM_TEST_SWIFT=1 asks for it" };
}

/** Packages in an environment of their own that sees those of the Python with torch. */
async function pythonBeside(packages: readonly string[]): Promise<PythonWith> {
  const torch = await torchPython();
  if ("skip" in torch) return torch;
  const directory = join(testCache, `beside-${sha256([torch.python, ...packages].join(" ")).slice(0, 12)}`);
  const python = join(directory, "bin", "python");
  const release = await lock(`${directory}.lock`);
  try {
    if (!existsSync(directory)) await layer(torch.python, directory, packages);
    return { python };
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    const why = (stderr || message).trim().split("\n").at(-1);
    return { skip: `${packages.join(" and ")} cannot be installed here: ${why}` };
  } finally {
    release();
  }
}

const run = promisify(execFile);

/** An environment whose packages stand before those of another Python. */
async function layer(below: string, directory: string, packages: readonly string[]): Promise<void> {
  const begun = `${directory}.begun`;
  rmSync(begun, { recursive: true, force: true });
  await run(below, ["-m", "venv", begun]);
  const python = join(begun, "bin", "python");
  const packagesOf = async (one: string) =>
    (await run(one, ["-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"])).stdout.trim();
  writeFileSync(join(await packagesOf(python), "torch.pth"), `${await packagesOf(below)}\n`);
  const quiet = ["--quiet", "--disable-pip-version-check", "--retries", "1"];
  await run(python, ["-m", "pip", "install", ...quiet, ...packages], { maxBuffer: 2 ** 26 });
  renameSync(begun, directory);
}
