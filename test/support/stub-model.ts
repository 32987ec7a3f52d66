/** A folder in which a worker in Node that speaks the protocol stands for a model in torch. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { temporaryFolder } from "./cli.ts";

const stub = resolve(import.meta.dirname, "../../src/engines/torch/__fixtures__/stub-worker.mjs");
const colours = "red, green, blue, white, black, brown, grey, pink, orange, yellow, golden and silver";

/** Subtitles in which Ann talks about soup and a lamp every ten seconds. */
export function talk(clips: number): string {
  const time = (seconds: number) => new Date(1000 * seconds).toISOString().slice(11, 19);
  return Array.from({ length: clips }, (_, clip) => {
    const [start, end] = [time(10 * clip + 1), time(10 * clip + 8)];
    return `${clip + 1}\n${start},000 --> ${end},000\nAnn talks about the soup and the lamp: ${colours}.\n`;
  }).join("\n");
}

/** A new folder with a folder of weights, and the environment in which they are opened by the stub. */
export function stubFolder(): { folder: string; model: string; env: { TASKMEM_PYTHON: string } } {
  const folder = temporaryFolder();
  const model = join(folder, "model");
  mkdirSync(model);
  const python = join(folder, "python");
  writeFileSync(python, `#!/bin/sh\nexec "${process.execPath}" "${stub}" "${join(folder, "done")}"\n`);
  chmodSync(python, 0o755);
  return { folder, model, env: { TASKMEM_PYTHON: python } };
}
