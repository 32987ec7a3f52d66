/** The checks of `taskmem doctor` that are about recall: whether meanings are compared, by an encoder that can, in this memory. */
import type { Config } from "../../config.ts";
import { localEmbedder } from "../../engines/local/index.ts";
import { indexOf } from "../../memory/place.ts";
import { openConfiguredEncoder } from "../../taskmem/assembly.ts";
import type { Check } from "../../taskmem/check.ts";
import { lacksForMeaning, lostEncoder, tellsParaphrase } from "../../taskmem/encoder.ts";
import { attempt } from "./doctor-attempt.ts";

export async function meaningChecks(config: Config, signal: AbortSignal): Promise<Check[]> {
  const check = "meaning";
  const tried = await attempt(check, async () => {
    const configured = await openConfiguredEncoder(config);
    if (configured === null) return null;
    try {
      return { id: configured.encoder.id, ...(await tellsParaphrase(configured, signal)) };
    } finally {
      await configured.encoder.close?.();
    }
  });
  if ("failed" in tried) return [{ ...tried.failed, state: "missing" }];
  if (tried.value === null) {
    const detail = "questions are compared by spelling: what is asked in other words is seldom found";
    return [{ check, state: "missing", detail, fix: lacksForMeaning(config) }];
  }
  const { id, tells, alike, foreign, roles } = tried.value;
  const [near, far] = [alike, foreign].map((value) => value.toFixed(2));
  const detail = `${id}: a paraphrase is at ${near}, another line at ${far}${roles}`;
  const fix = "name an encoder of sentences, or its prefixes: embedder.queryPrefix, embedder.passagePrefix";
  const found: Check[] = [
    tells
      ? { check, state: "ok", detail, fix: null }
      : { check, state: "broken", detail: `${detail}; it does not tell them apart`, fix },
  ];
  const isSpelled = (await indexOf(config.memory))?.embedder === localEmbedder.id;
  if (isSpelled || (await lostEncoder(config)) !== null)
    found.push({
      ...{ check: "memory index", state: "missing" },
      detail: `this memory was written by ${isSpelled ? "spelling" : "another release of its encoder"}, so its questions are compared by spelling`,
      fix: "taskmem reindex",
    });
  return found;
}
