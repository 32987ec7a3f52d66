/** `taskmem export`: the whole memory as JSONL and blobs. */

import { loadConfig } from "../../config.ts";
import { exportMemory, exportRows } from "../../memory/export.ts";
import { openConfiguredMemory } from "../../taskmem/assembly.ts";
import type { Invocation } from "../invocation.ts";

export async function run({ output, flags, configFile }: Invocation, directory: string): Promise<void> {
  const config = await loadConfig(flags, { file: configFile });
  const { memory } = await openConfiguredMemory(config, { mustExist: true, readOnly: "if-needed" });
  try {
    if (directory === "-") {
      for await (const row of exportRows(memory)) output.row(row);
      return;
    }
    const report = await exportMemory(memory, directory);
    output.object({ event: "export-end", directory, ...report });
    output.text(`wrote ${report.rows} rows and ${report.blobs} blobs to ${directory}`);
  } finally {
    await memory.close();
  }
}
