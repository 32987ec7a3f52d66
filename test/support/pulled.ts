/** Models as users pull them, once for all tests that need them. */
import { join } from "node:path";
import { taskmem } from "./cli.ts";
import { lock, testCache } from "./python.ts";

const models = join(testCache, "models");

/** The folder of a pulled model; or why there is none. */
export async function pulledForTests(
  name: string,
): Promise<{ readonly folder: string } | { readonly skip: string }> {
  const release = await lock(`${models}.lock`);
  try {
    const run = await taskmem(["models", "pull", name, "--json"], { env: { TASKMEM_MODELS: models } });
    return run.code === 0
      ? { folder: join(models, name) }
      : { skip: `cannot be pulled here: ${run.stderr.trim()}` };
  } finally {
    release();
  }
}
