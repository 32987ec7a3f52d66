/** `taskmem remember`: keeps a fact as it is, past the policy. */
import { ConfigError } from "../../errors.ts";
import type { EntryKind } from "../../memory/memory.ts";
import type { Invocation } from "../invocation.ts";
import { openFor } from "../open.ts";

interface RememberFlags {
  readonly speaker?: string;
  readonly id?: string;
  readonly kind?: string;
  readonly stream?: string;
}

export async function run(invocation: Invocation, text: string): Promise<void> {
  const { output, options } = invocation;
  const { speaker, id, kind, stream } = options as RememberFlags;
  if (kind !== undefined && kind !== "episodic" && kind !== "semantic")
    throw new ConfigError("kind-invalid", `Expected --kind to be episodic or semantic, got ${kind}`);
  await using memory = await openFor(invocation);
  const { entry, duplicate } = await memory.remember({
    text,
    ...(speaker !== undefined && { speaker }),
    ...(id !== undefined && { id }),
    ...(kind !== undefined && { kind: kind as EntryKind }),
    ...(stream !== undefined && { stream }),
  });
  output.object({ event: "remember-end", entry: entry.id, duplicate });
  output.text(duplicate ? `already kept as ${entry.id}: ${entry.text}` : `kept as ${entry.id}`);
}
