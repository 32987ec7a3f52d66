/** A model with a name of its own, as it is pinned. */
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
