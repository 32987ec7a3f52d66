/**
 * The directory of a Phase Two run: how an adapter was learnt. The adapter itself, and what came of it, is in the memory.
 *
 *     metrics.jsonl    one line a step: loss, reward margin, share of pairs won, norm of the gradient and of the adapter
 *     curves.html      the same as pictures, self-contained
 *
 * Numbers only: no question and no memory can be read from them.
 */
import { join } from "node:path";
import { makeDirectory } from "../util/directory.ts";
import { replaceFile } from "../util/replace-file.ts";
import { curvesPage } from "./curves.ts";
import type { PairStep } from "./phase-two.ts";

/** Writes both files; those of an earlier run in the directory are replaced. */
export function writePhaseTwoRun(directory: string, curve: readonly PairStep[]): void {
  makeDirectory(directory);
  replaceFile(join(directory, "metrics.jsonl"), curve.map((step) => `${JSON.stringify(step)}\n`).join(""));
  replaceFile(join(directory, "curves.html"), curvesPage("Phase Two", curve));
}
