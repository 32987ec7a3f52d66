/** `taskmem reindex`: indexes every entry again, by meaning where it can be compared now. */
import { loadConfig } from "../../config.ts";
import { openConfiguredMemory } from "../../taskmem/assembly.ts";
import type { Invocation } from "../invocation.ts";
import { counted } from "../output.ts";

export async function run({ output, flags, configFile, signal }: Invocation): Promise<void> {
  const config = await loadConfig(flags, { file: configFile });
  const { memory, embedder } = await openConfiguredMemory(config, { mustExist: true, reindexes: true });
  try {
    const { entries: all } = await memory.stats();
    const { entries } = await memory.reindex(signal, (done) =>
      output.progress(`${done} of ${counted(all, "entry", "entries")}`),
    );
    output.progress("");
    const by = embedder.meaning === undefined ? "spelling" : "meaning";
    output.object({ event: "reindex-end", entries, by, embedder: embedder.id });
    output.text(`${counted(entries, "entry", "entries")} indexed by ${by} (${embedder.id})`);
  } finally {
    await memory.close();
    await embedder.close?.();
  }
}
