/** Where onnxruntime-web lies: it is optional, and loaded by its path, in a thread. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The runtime's package. */
export const runtimePackage = "onnxruntime-web" as const;

/** What a thread loads. */
export interface RuntimeFiles {
  /** URL of the runtime's module. */
  readonly module: string;
  /** Path of its WebAssembly. */
  readonly wasm: string;
}

/** The runtime's files; `null` where it is not installed. */
export function runtimeFiles(): RuntimeFiles | null {
  try {
    return {
      // By its path: in Node the package's own name leads to a build that looks for files elsewhere.
      module: import.meta.resolve(`${runtimePackage}/wasm`),
      wasm: fileURLToPath(import.meta.resolve(`${runtimePackage}/ort-wasm-simd-threaded.wasm`)),
    };
  } catch {
    return null;
  }
}

/** The parts of the runtime that are used. */
export interface Runtime {
  readonly env: { readonly wasm: { wasmBinary: Uint8Array | undefined; numThreads: number } };
  readonly Tensor: {
    new (type: "float32", data: Float32Array, shape: readonly number[]): unknown;
    new (type: "int64", data: BigInt64Array, shape: readonly number[]): unknown;
  };
  readonly InferenceSession: { create(model: Uint8Array): Promise<Session> };
}

/** A net that is loaded. */
export interface Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(inputs: Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, RuntimeTensor>>>;
}

/** What a net answers. */
export interface RuntimeTensor {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}

/** Loads the runtime; for a thread alone, because a run stops the thread it is in. */
export async function loadRuntime({ module, wasm }: RuntimeFiles): Promise<Runtime> {
  const runtime = (await import(module)) as Runtime;
  runtime.env.wasm.wasmBinary ??= readFileSync(wasm);
  // The bundle cannot start threads of its own in Node.
  runtime.env.wasm.numThreads = 1;
  return runtime;
}
