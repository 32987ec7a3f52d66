/** Shared by both phases: recorded sources that are named on the command line, as what a policy learns on. */
import type { Config } from "../config.ts";
import { ConfigError } from "../errors.ts";
import { configuredPerceptors, openConfiguredSources } from "../taskmem/assembly.ts";
import { type Material, perceiveSources } from "../taskmem/material.ts";
import type { Invocation } from "./invocation.ts";
import { counted } from "./output.ts";

/** Perceives recorded sources to their end. @throws ConfigError for a live one; as `openSources` */
export async function perceiveSpecs(
  config: Config,
  specs: readonly string[],
  { output, signal }: Pick<Invocation, "output" | "signal">,
): Promise<Material> {
  const sources = await openConfiguredSources(config, specs, { signal });
  const live = sources.find((source) => source.live);
  if (live)
    throw new ConfigError(
      "flags-invalid",
      `Expected recorded sources to learn on, got ${live.description}, which is live: watch it first, and learn from the memory`,
    );
  return perceiveSources(sources, configuredPerceptors(config), {
    onClip: (clips, { description }) =>
      output.waiting(`looking at ${description}: ${counted(clips, "clip")}`),
    signal,
  });
}
