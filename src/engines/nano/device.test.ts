import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { defaultDevice, numpy as np } from "@jax-js/jax";
import { startDevice } from "./device.ts";

const webgpu: string = "webgpu";
const installed = await import(webgpu).then(
  () => true,
  () => false,
);

afterEach(() => {
  delete process.env.TASKMEM_DEVICE;
});

test("WebAssembly is the default device", async () => {
  await startDevice();
  assert.equal(defaultDevice(), "wasm");
  assert.deepEqual([...(await np.array([1, 2]).add(1).data())], [2, 3]);
});

test("an unknown device is refused", async () => {
  process.env.TASKMEM_DEVICE = "tpu";
  await assert.rejects(startDevice(), { code: "no-device", message: /wasm or webgpu, got "tpu"/ });
});

test("without the package, the WebGPU error says what to install", { skip: installed }, async () => {
  process.env.TASKMEM_DEVICE = "webgpu";
  await assert.rejects(startDevice(), { code: "no-device", message: /npm install webgpu/ });
});
