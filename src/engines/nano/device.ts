/**
 * The device nano computes on: WebAssembly in every Node, or a GPU by WebGPU where `TASKMEM_DEVICE=webgpu` asks for it.
 *
 * Node has no WebGPU of its own. It comes from the package `webgpu` (Dawn) if that is installed, or from a program that
 * sets `navigator.gpu`.
 */

import { EngineError } from "../../errors.ts";
import { defaultDevice, init } from "./jax.ts";

const names = ["wasm", "webgpu"] as const;

/** Makes the configured device the default for all arrays. @throws EngineError `no-device` when it is not available */
export async function startDevice(): Promise<void> {
  const wanted = process.env.TASKMEM_DEVICE || "wasm";
  const name = names.find((known) => known === wanted);
  if (!name)
    throw new EngineError("no-device", `Expected TASKMEM_DEVICE to be wasm or webgpu, got "${wanted}"`);
  if (name === "webgpu") await provideGpu();
  const found = await init(name);
  if (!found.includes(name)) throw new EngineError("no-device", missing[name]);
  defaultDevice(name);
}

const missing: Record<(typeof names)[number], string> = {
  wasm: "This Node has no WebAssembly, which nano needs. Use Node 22 or later",
  webgpu:
    "WebGPU finds no GPU for nano. Check the graphics driver (Vulkan on Linux), or leave TASKMEM_DEVICE out to use WebAssembly",
};

/** Loads the GPU of the optional package, unless there is one already. */
async function provideGpu(): Promise<void> {
  if ((globalThis.navigator as { gpu?: unknown } | undefined)?.gpu) return;
  const name: string = "webgpu";
  const dawn = await import(name).catch((cause) => {
    throw new EngineError(
      "no-device",
      "TASKMEM_DEVICE=webgpu needs the package webgpu, which is not installed. Run npm install webgpu, or leave TASKMEM_DEVICE out to use WebAssembly",
      { cause },
    );
  });
  Object.assign(globalThis, dawn.globals);
  Object.defineProperty(globalThis.navigator, "gpu", { value: dawn.create([]), configurable: true });
}
