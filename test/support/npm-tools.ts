/** Programs of npm packages for tests, installed once outside the checkout; or why there are none. */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { sha256 } from "../../src/util/hash.ts";
import { lock, testCache } from "./python.ts";

/** A folder whose `node_modules` holds exactly these releases (`name@1.2.3`); no script of theirs runs. */
export async function npmTools(
  packages: readonly string[],
): Promise<{ readonly bin: (name: string) => string } | { readonly skip: string }> {
  const directory = join(testCache, `npm-${sha256(packages.join("\n")).slice(0, 12)}`);
  const release = await lock(`${directory}.lock`);
  try {
    if (!existsSync(directory)) await install(directory, packages);
    return { bin: (name) => join(directory, "node_modules", ".bin", name) };
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    const why = (stderr || message).trim().split("\n").at(-1);
    return { skip: `${packages.join(" and ")} cannot be installed here: ${why}` };
  } finally {
    release();
  }
}

async function install(directory: string, packages: readonly string[]): Promise<void> {
  const begun = `${directory}.begun`;
  rmSync(begun, { recursive: true, force: true });
  mkdirSync(begun, { recursive: true });
  writeFileSync(join(begun, "package.json"), "{}");
  const quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=1"];
  await promisify(execFile)("npm", ["install", ...quiet, ...packages], { cwd: begun });
  renameSync(begun, directory);
}
