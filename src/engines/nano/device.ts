/** The device nano computes on: WebAssembly on this thread, in every Node. */
import { defaultDevice, init } from "@jax-js/jax";
import { EngineError } from "../../errors.ts";

/** Makes WebAssembly the device of all arrays. @throws EngineError when it is not to be had */
export async function startDevice(): Promise<void> {
  const found = await init("wasm");
  if (!found.includes("wasm"))
    throw new EngineError(
      "no-device",
      "Expected WebAssembly for nano's arithmetic, got none: use Node 22 or later",
    );
  defaultDevice("wasm");
}
