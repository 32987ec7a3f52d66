/** Real recordings for evaluation, outside the repository; tests that use them skip where they are absent. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";

const root = resolve(import.meta.dirname, "../../../shared/data");

/** The path of a real file or folder, or the reason to skip. */
export function sharedData(path: string): { path: string; skip: false | string } {
  const full = resolve(root, path);
  return { path: full, skip: existsSync(full) ? false : `no ${path} in ../shared/data` };
}
