/** What compares texts: an encoder at an endpoint, the one that was pulled, or spelling. */
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import type { Config } from "../config.ts";
import type { Embedder } from "../engine.ts";
import { localEmbedder } from "../engines/local/index.ts";
import { shippedAdapters } from "../engines/meaning/encoder-adapter.ts";
import { packedFile } from "../engines/meaning/encoder-weights.ts";
import { meaningEmbedder } from "../engines/meaning/meaning-embedder.ts";
import { readEnglish } from "../engines/meaning/read-english.ts";
import { type RolePrefixes, rolePrefixes } from "../engines/meaning/roles.ts";
import { hasRuntime, sentenceEncoder } from "../engines/meaning/sentence-encoder.ts";
import { runtimePackage } from "../engines/onnx-runtime.ts";
import { openaiEmbedderId } from "../engines/openai/embedder.ts";
import { openaiEmbedder, openOpenaiEmbedder } from "../engines/openai/index.ts";
import { ConfigError, EngineError, isTaskMemError } from "../errors.ts";
import type { IndexedBy } from "../memory/index-of.ts";
import { indexOf } from "../memory/place.ts";
import { modelsDirectory, pulledModel } from "../models/models.ts";
import { sha256 } from "../util/hash.ts";
import { once } from "../util/once.ts";
import { installLine } from "../util/optional.ts";

/** An encoder of the catalogue: its name there, what `embedder.meaning` calls it, and the file whose hash names its space. */
interface NamedEncoder {
  readonly name: string;
  readonly called: "english" | "multilingual";
  readonly weights: string;
  readonly prefixes: RolePrefixes;
  readonly reads?: (text: string) => string | null;
  /** Files of its adapters for vectors and for scores of lines, and the hash of the weights that they are for. */
  readonly adapters?: { readonly vectors: string; readonly answers: string; readonly madeFor: string };
}

/** Those of the catalogue, the one that is taken first in front. */
const namedEncoders: readonly NamedEncoder[] = [
  {
    name: "meaning-multilingual",
    called: "multilingual",
    weights: packedFile,
    prefixes: rolePrefixes("multilingual-e5-small"),
  },
  {
    name: "meaning",
    called: "english",
    weights: "model.safetensors",
    prefixes: { query: "", passage: "" },
    reads: readEnglish,
    adapters: {
      ...shippedAdapters,
      madeFor: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    },
  },
];

/** An encoder, and how texts are put to it. */
export interface ConfiguredEncoder {
  readonly encoder: Embedder;
  readonly prefixes: RolePrefixes;
  /** What of a text it knows. @default all */
  readonly reads?: (text: string) => string | null;
}

/** A named encoder that was pulled, the id of its vectors, and the adapters by which it makes them and scores lines. */
interface Pulled {
  readonly encoder: NamedEncoder;
  readonly directory: string;
  readonly id: string;
  readonly vectors?: string;
  readonly answers?: string;
}

/** The encoders that were pulled and may be used, the one that is taken first in front. */
function pulledEncoders({ embedder: { meaning } }: Config): Pulled[] {
  const wanted = namedEncoders.filter(({ called }) => !isCalled(meaning) || called === meaning);
  return wanted.flatMap((encoder) => {
    const pulled = pulledModel(modelsDirectory(process.env, homedir()), encoder.name);
    if (pulled === null) return [];
    const hash = pulled.files.find(({ name }) => name === encoder.weights)?.sha256 ?? "";
    const own = { encoder, directory: pulled.directory, id: `${pulled.source}#${hash.slice(0, 12)}` };
    const { madeFor, ...adapters } = encoder.adapters ?? {};
    return [madeFor === hash ? { ...own, ...adapters, id: `${own.id}+${vectorsHash()}` } : own];
  });
}

/** What tells the adapter for vectors from others. */
const vectorsHash = once(() => sha256(readFileSync(shippedAdapters.vectors)).slice(0, 12));

const isCalled = (meaning: Config["embedder"]["meaning"]) =>
  namedEncoders.some(({ called }) => called === meaning);

/** Whether meaning is asked for, and not only used where it can be. */
export const asksForMeaning = ({ embedder: { model, meaning } }: Config): boolean =>
  model !== undefined || meaning === "on" || isCalled(meaning);

/** Whether the configuration lets meanings be compared in this process, and what lacks; `null` for nothing. */
export function lacksForMeaning(config: Config): string | null {
  const { meaning } = config.embedder;
  if (meaning === "off") return "switched off";
  if (pulledEncoders(config).length === 0) {
    const named = namedEncoders.find(({ called }) => called === meaning) ?? namedEncoders.at(-1)!;
    return `taskmem models pull ${named.name}`;
  }
  return hasRuntime() ? null : installLine(runtimePackage);
}

/**
 * The encoder that a configuration names, or that is used where it was pulled; `null` for spelling.
 * @throws ConfigError `model-missing` or `package-missing` where meaning is on and cannot be had; EngineError
 */
export async function configuredEncoder(
  config: Config,
  endpoint: object,
  { reindexes = false }: { readonly reindexes?: boolean | undefined } = {},
): Promise<ConfiguredEncoder | null> {
  const { baseUrl: baseURL, model, dimension, inputType, ...given } = config.embedder;
  if (baseURL !== undefined && model !== undefined) {
    const known = rolePrefixes(model);
    const asked = { baseURL, model, inputType, ...endpoint };
    // A memory knows the dimension, so that an endpoint that is down costs the meaning of a question and not its answer.
    const held = dimension ?? (reindexes ? null : await dimensionIn(config.memory, openaiEmbedderId(asked)));
    const encoder =
      held === null ? await openOpenaiEmbedder(asked) : openaiEmbedder({ ...asked, dimension: held });
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
    if (!asksForMeaning(config)) return null;
    throw new ConfigError("model-missing", `To compare meanings something lacks: ${lacks}`);
  }
  const pulled = pulledEncoders(config);
  // A memory stays with the encoder that it is indexed with, until it is indexed again.
  const index = reindexes ? null : await indexOf(config.memory);
  const {
    encoder,
    directory: folder,
    ...made
  } = pulled.find((one) => index?.embedder.endsWith(one.id)) ?? pulled[0]!;
  const { prefixes, reads } = encoder;
  return { encoder: sentenceEncoder({ folder, ...made }), prefixes, ...(reads && { reads }) };
}

/** The named encoder that a memory is indexed by, and what is the matter with it here. */
export interface LostEncoder {
  readonly encoder: ConfiguredEncoder;
  /** Why it cannot be used, and what to do. */
  readonly why: string;
}

/**
 * The named encoder of a memory that was removed, damaged or switched off, with all but vectors: it fails each text, so
 * questions are compared by spelling and what is written waits. `null` where nothing is lost, or the configuration wants
 * another.
 */
export async function lostEncoder(config: Config): Promise<LostEncoder | null> {
  const { model, meaning } = config.embedder;
  const index = model === undefined ? await indexOf(config.memory) : null;
  const named = namedEncoders.find(
    ({ called, ...one }) => (!isCalled(meaning) || called === meaning) && isIndexedBy(index, one),
  );
  if (!index || !named) return null;
  const why = meaning === "off" ? "it is switched off" : await whyLost(config, named, index);
  if (why === null) return null;
  const embed = async () => {
    throw new EngineError("encoder-failed", why, { isRetryable: true });
  };
  const encoder = { id: encoderIdOf(index), dimension: index.dimension - localEmbedder.dimension, embed };
  return { encoder: { encoder, prefixes: named.prefixes }, why };
}

/** Id of the encoder within that of an embedder by meaning: `meaning:<12 digits>:<encoder>`. */
const encoderIdOf = ({ embedder }: IndexedBy) => embedder.replace(/^meaning:\w+:/, "");

/** Whether a memory's vectors were made by a named encoder that was pulled: what is put before texts tells which. */
function isIndexedBy(index: IndexedBy | null, { prefixes }: Pick<NamedEncoder, "prefixes">): boolean {
  if (!index?.embedder.startsWith("meaning:") || index.embedder.includes(":openai:")) return false;
  const encoder = { id: encoderIdOf(index), dimension: 0, embed: async () => [] };
  return embedderOver({ encoder, prefixes }, () => {}).id === index.embedder;
}

async function whyLost(config: Config, { name }: NamedEncoder, index: IndexedBy): Promise<string | null> {
  try {
    const opened = await configuredEncoder(config, {});
    if (opened?.encoder.id === encoderIdOf(index)) return null;
    if (opened === null && !hasRuntime())
      return `${runtimePackage} is not installed: ${installLine(runtimePackage)}`;
    const isThere = pulledModel(modelsDirectory(process.env, homedir()), name) !== null;
    if (isThere) return "its vectors were made by another release of its encoder: taskmem reindex";
  } catch (error) {
    if (!isTaskMemError(error)) throw error;
    if (error.code !== "model-missing") return error.message;
  }
  return `its sentence encoder is not on this machine: taskmem models pull ${name}`;
}

/** Numbers of an encoder's vectors in a memory that is indexed by it; `null` for another. */
async function dimensionIn(memory: string, encoder: string): Promise<number | null> {
  const index = await indexOf(memory);
  return index?.embedder.endsWith(`:${encoder}`) ? index.dimension - localEmbedder.dimension : null;
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
