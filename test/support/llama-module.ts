/** llama.cpp as a module of Node, pulled once as users pull it; or why there is none. */
import { join } from "node:path";
import { llamaFile, llamaName } from "../../src/models/llama-runtime.ts";
import { taskmem } from "./cli.ts";
import { lock, testCache } from "./python.ts";

/** The directory of pulled models, for `TASKMEM_MODELS`, and the module in it. */
export async function llamaModule(): Promise<
  { readonly models: string; readonly binding: string } | { readonly skip: string }
> {
  const models = join(testCache, "models");
  const release = await lock(`${models}.lock`);
  try {
    const run = await taskmem(["models", "pull", llamaName, "--json"], { env: { TASKMEM_MODELS: models } });
    if (run.code !== 0) return { skip: `${llamaName} cannot be pulled here: ${run.stderr.trim()}` };
    return { models, binding: join(models, llamaName, llamaFile) };
  } finally {
    release();
  }
}
