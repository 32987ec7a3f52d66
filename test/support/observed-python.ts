/** A Python that runs the worker under `observed_worker.py`, which reads what to do from the environment. */
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const observer = join(import.meta.dirname, "torch/observed_worker.py");

/** Writes the program into a folder, and returns its path for `TASKMEM_PYTHON`. */
export function observedPython(folder: string, python: string): string {
  const path = join(folder, "observed-python");
  // The worker is run as `python -u worker.py`.
  writeFileSync(path, `#!/bin/sh\nshift\nexec "${python}" -u "${observer}" "$@"\n`);
  chmodSync(path, 0o755);
  return path;
}
