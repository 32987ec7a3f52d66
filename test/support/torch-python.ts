/** The Python with torch that `taskmem train setup` makes, in the cache of the tests; or why there is none. */
import { setUpTorch } from "../../src/engines/torch/index.ts";
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
