/** What compares texts: an encoder at an endpoint, the one that was pulled, or spelling. */
import { homedir } from "node:os";
import type { Config } from "../config.ts";
import type { Embedder } from "../engine.ts";
import { localEmbedder } from "../engines/local/index.ts";
import { meaningEmbedder } from "../engines/meaning/meaning-embedder.ts";
import { readEnglish } from "../engines/meaning/read-english.ts";
import { type RolePrefixes, rolePrefixes } from "../engines/meaning/roles.ts";
import { hasRuntime, sentenceEncoder } from "../engines/meaning/sentence-encoder.ts";
import { runtimePackage } from "../engines/onnx-runtime.ts";
import { openOpenaiEmbedder } from "../engines/openai/index.ts";
import { ConfigError } from "../errors.ts";
import { modelsDirectory, type PulledModel, pulledModel } from "../models/models.ts";
import { installLine } from "../util/optional.ts";

/** Name of the encoder in the catalogue. */
const pulledName = "meaning";
/** File of the encoder whose hash names its space. */
const weightsFile = "model.safetensors";

/** An encoder, and how texts are put to it. */
export interface ConfiguredEncoder {
  readonly encoder: Embedder;
  readonly prefixes: RolePrefixes;
  /** What of a text it knows. @default all */
  readonly reads?: (text: string) => string | null;
}

/** The encoder that was pulled; `null` where none was. */
export function pulledEncoder(): PulledModel | null {
  return pulledModel(modelsDirectory(process.env, homedir()), pulledName);
}

/** Whether the configuration lets meanings be compared in this process, and what lacks; `null` for nothing. */
export function lacksForMeaning({ embedder }: Config): string | null {
  if (embedder.meaning === "off") return "switched off";
  if (pulledEncoder() === null) return `taskmem models pull ${pulledName}`;
  return hasRuntime() ? null : installLine(runtimePackage);
}

/**
 * The encoder that a configuration names, or that is used where it was pulled; `null` for spelling.
 * @throws ConfigError `model-missing` or `package-missing` where meaning is on and cannot be had; EngineError
 */
export async function configuredEncoder(config: Config, endpoint: object): Promise<ConfiguredEncoder | null> {
  const { baseUrl: baseURL, model, dimension, inputType, ...given } = config.embedder;
  if (baseURL !== undefined && model !== undefined) {
    const known = rolePrefixes(model);
    const encoder = await openOpenaiEmbedder({
      ...{ baseURL, model, inputType, ...endpoint },
      ...(dimension !== undefined && { dimension }),
    });
    return {
      encoder,
      prefixes: {
        query: given.queryPrefix ?? (inputType ? "" : known.query),
        passage: given.passagePrefix ?? (inputType ? "" : known.passage),
      },
    };
  }
  const lacks = lacksForMeaning(config);
  if (lacks !== null) {
    if (given.meaning !== "on") return null;
    throw new ConfigError("model-missing", `To compare meanings something lacks: ${lacks}`);
  }
  const { directory, files, source } = pulledEncoder()!;
  const weights = files.find(({ name }) => name === weightsFile)?.sha256 ?? "";
  return {
    encoder: sentenceEncoder({ folder: directory, id: `${source}#${weights.slice(0, 12)}` }),
    prefixes: { query: "", passage: "" },
    reads: readEnglish,
  };
}

/** What an encoder makes of a paraphrase. */
export interface Paraphrased {
  /** Cosine of a question and the line that answers it in other words, and of it and another line. */
  readonly alike: number;
  readonly foreign: number;
  readonly tells: boolean;
  /** What roles change, as the end of a sentence; empty without any. */
  readonly roles: string;
}

const sample = {
  query: "Where can I find the key?",
  passages: [
    "It is lying under the doormat, the thing that opens the house.",
    "The soup was served cold on Monday.",
  ],
} as const;

/** Asks an encoder for a paraphrase: it must come nearer to the question than a line about something else. */
export async function tellsParaphrase(
  { encoder, prefixes }: ConfiguredEncoder,
  signal?: AbortSignal,
): Promise<Paraphrased> {
  const compared = async ({ query, passage }: RolePrefixes) => {
    const [asked] = await encoder.embed([query + sample.query], signal, { role: "query" });
    const kept = await encoder.embed(
      sample.passages.map((text) => passage + text),
      signal,
      { role: "passage" },
    );
    const [alike, foreign] = kept.map((vector) =>
      vector.reduce((sum, value, i) => sum + value * asked![i]!, 0),
    );
    return { alike: alike!, foreign: foreign! };
  };
  const own = await compared(prefixes);
  const hasRoles = prefixes.query !== prefixes.passage;
  const bare = hasRoles ? await compared({ query: "", passage: "" }) : null;
  const gap = ({ alike, foreign }: Pick<Paraphrased, "alike" | "foreign">) => (alike - foreign).toFixed(2);
  const roles = bare ? `; apart by ${gap(own)} with its roles and ${gap(bare)} without` : "";
  return { ...own, tells: own.alike > own.foreign + 0.02, roles };
}

/** An embedder for memory over an encoder. @param onSpelling told why a question is compared by spelling */
export function embedderOver(
  { encoder, prefixes, reads }: ConfiguredEncoder,
  onSpelling: (why: string) => void,
): Embedder {
  return meaningEmbedder({ encoder, spelling: localEmbedder, prefixes, onSpelling, ...(reads && { reads }) });
}
