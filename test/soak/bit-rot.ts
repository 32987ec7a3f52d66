/** Copies of a memory with one damaged place each: none may be read as if it were whole. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bitRot } from "../support/bit-rot.ts";
import type { SoakRow } from "./table.ts";

/** Damages copies and reads each. @param log receives what came of them */
export async function rot(copies: number, seed: string, log: (line: string) => void): Promise<SoakRow[]> {
  const folder = mkdtempSync(join(tmpdir(), "taskmem-bit-rot-"));
  try {
    const all = await bitRot(folder, copies, seed);
    const counts = Object.entries(Object.groupBy(all, ({ outcome }) => outcome));
    log(counts.map(([outcome, found]) => `${outcome} ${found.length}`).join(", "));
    const wrong = all
      .filter(({ outcome }) => outcome === "silent" || outcome === "unclear")
      .map(
        ({ file, offset, how, outcome, detail }) => `${outcome}: ${how} at ${offset} of ${file}: ${detail}`,
      );
    return [{ kind: "damaged copies of a memory", runs: copies, wrong }];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
