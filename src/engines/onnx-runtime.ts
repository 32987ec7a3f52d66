/** Where onnxruntime-web lies: it is optional, and loaded by its path, in a thread. */
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
