/**
 * Makes household-VL from nothing: examples, tokenizer, five stages of training, and the folder of weights.
 *
 *   node scripts/household-vl/make.ts [--folder runs/household-vl] [--seed 0] [--threads 1] [--steps N]
 *
 * Needs what `taskmem train setup` installs; an hour on one free core. What has been made is kept, so a restart begins
 * with the first part that has not ended. `--steps` makes every stage so short, for a trial. Every printed line is JSON.
 * The weights are `<folder>/household-vl`.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { requireTorchPython } from "../../src/engines/torch/environment.ts";
import { makeDirectory } from "../../src/util/directory.ts";

const { values: options } = parseArgs({
  options: {
    folder: { type: "string", default: "runs/household-vl" },
    seed: { type: "string", default: "0" },
    threads: { type: "string", default: "1" },
    steps: { type: "string" },
  },
});
const { folder, seed, threads, steps } = options;
const path = (name: string) => join(folder, name);
const [examples, tokenizer] = [path("examples"), path("tokenizer.json")];
const python = requireTorchPython();

makeDirectory(folder);
await make(examples, process.execPath, (part) => [script("examples.ts"), "--folder", part]);
await make(tokenizer, python, (part) => [script("tokens.py"), examples, part]);
for (const stage of ["strips", "speech", "captions", "memories", "lists"]) {
  if (existsSync(path(`${stage}.pt`))) continue;
  await run(python, [
    ...[script("train.py"), stage, "--examples", examples, "--tokenizer", tokenizer, "--folder", folder],
    ...["--seed", seed, "--threads", threads],
    ...(steps === undefined ? [] : ["--steps", steps]),
    ...(stage === "captions" ? ["--compile"] : []),
  ]);
}
await make(path("household-vl"), python, (part) => [
  ...[script("export.py"), path("lists.pt"), "--tokenizer", tokenizer, "--folder", part],
]);

function script(name: string): string {
  return join(import.meta.dirname, name);
}

/** Has a program write a file or a folder, which gets its name when it is whole. */
async function make(result: string, program: string, args: (part: string) => string[]): Promise<void> {
  if (existsSync(result)) return;
  const part = `${result}.part`;
  rmSync(part, { recursive: true, force: true });
  await run(program, args(part));
  renameSync(part, result);
}

async function run(program: string, args: readonly string[]): Promise<void> {
  const [code, signal] = await once(spawn(program, args, { stdio: "inherit" }), "exit");
  if (code !== 0) throw new Error(`${args.join(" ")} ended with ${signal ?? `code ${code}`}`);
}
