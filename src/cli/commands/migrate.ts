/** `taskmem migrate`: moves a memory between places, such as a directory and a Postgres, by its export. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Config, loadConfig } from "../../config.ts";
import { ConfigError } from "../../errors.ts";
import { exportMemory, importMemory } from "../../memory/export.ts";
import { isPostgresUrl, shownPlace } from "../../memory/place.ts";
import { openConfiguredMemory } from "../../taskmem/assembly.ts";
import { isAlive } from "../../util/process-alive.ts";
import { textFlag } from "../flags.ts";
import type { Invocation } from "../invocation.ts";

export async function run({ output, flags, configFile, options }: Invocation): Promise<void> {
  const config = await loadConfig(flags, { file: configFile });
  const [from, to] = [placeOf("--from", options.from), placeOf("--to", options.to)];
  if (shownPlace(from) === shownPlace(to))
    throw new ConfigError("flags-invalid", `Expected --to to be another memory than --from, got ${to}`);
  removeLeft();
  const exported = mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`));
  try {
    await writeOut({ ...config, memory: from }, exported);
    const report = await readIn({ ...config, memory: to }, exported);
    const places = { from: shownPlace(from), to: shownPlace(to) };
    output.object({ event: "migrate-end", ...places, ...report });
    output.text(
      `moved ${report.rows} rows and ${report.blobs} blobs to ${places.to}, ${report.skipped} rows were already there`,
      `${places.from} is as it was`,
    );
  } finally {
    rmSync(exported, { recursive: true, force: true });
  }
}

const prefix = "taskmem-migrate-";

/** Removes the exports that migrations left here which were killed: they hold memories. */
function removeLeft(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = name.startsWith(prefix) ? Number(name.slice(prefix.length).split("-")[0]) : 0;
    if (pid === 0 || isAlive(pid)) continue;
    try {
      rmSync(join(tmpdir(), name), { recursive: true, force: true });
    } catch {
      // another user's
    }
  }
}

async function writeOut(config: Config, exported: string): Promise<void> {
  const { memory } = await openConfiguredMemory(config, { mustExist: true, readOnly: "if-needed" });
  try {
    await exportMemory(memory, exported);
  } finally {
    await memory.close();
  }
}

async function readIn(config: Config, exported: string) {
  const { memory } = await openConfiguredMemory(config, { mustExist: false });
  try {
    return await importMemory(exported, memory);
  } finally {
    await memory.close();
  }
}

function placeOf(flag: string, given: unknown): string {
  const place = textFlag(given);
  if (place === undefined)
    throw new ConfigError(
      "flags-invalid",
      `Expected ${flag} to name a memory, a directory or a URL of Postgres, got nothing`,
    );
  return isPostgresUrl(place) ? place : resolve(place);
}
