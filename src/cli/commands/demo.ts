/** `taskmem demo`: the acting loop on a simulated household: render, watch, remember, answer, score. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Invocation } from "../main.ts";

interface DemoFlags {
  readonly seed?: number;
  readonly clips?: number;
  readonly keep?: string;
}

export async function run({ output, flags, configFile, signal, options }: Invocation): Promise<number> {
  const { seed = 1, clips = 6, keep } = options as DemoFlags;
  const directory = keep === undefined ? await mkdtemp(join(tmpdir(), "taskmem-demo-")) : resolve(keep);
  try {
    return 0;
  } finally {
    if (keep === undefined) await rm(directory, { recursive: true, force: true });
  }
}
