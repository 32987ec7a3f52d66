/** `taskmem import`: reads an export into a memory; what is already there is skipped, and what was forgotten there left out. */

import { loadConfig } from "../../config.ts";
import { importMemory } from "../../memory/export.ts";
import { openConfiguredMemory } from "../../taskmem/assembly.ts";
import type { Invocation } from "../invocation.ts";

export async function run(
  { output, flags, configFile, options }: Invocation,
  directory: string,
): Promise<void> {
  const config = await loadConfig(flags, { file: configFile });
  const { memory } = await openConfiguredMemory(config, { mustExist: false });
  try {
    const report = await importMemory(directory, memory, { forgotten: options.forgotten === true });
    output.object({ event: "import-end", directory, ...report });
    output.text(
      `read ${report.rows} rows and ${report.blobs} blobs from ${directory}, ${report.skipped} rows were already there`,
    );
    if (report.forgotten > 0)
      output.text(
        `${report.forgotten} rows were left out: they were forgotten here; --forgotten brings them back`,
      );
  } finally {
    await memory.close();
  }
}
