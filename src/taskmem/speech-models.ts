/** What hears words in this process: the model that a configuration names as `local:NAME`, or the one that was pulled. */
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Config, localName } from "../config.ts";
import type { Transcriber } from "../engine.ts";
import { runtimeFiles, runtimePackage } from "../engines/onnx-runtime.ts";
import { expectedFiles, sherpaModel } from "../engines/sherpa/files.ts";
import { sherpaTranscriber } from "../engines/sherpa/sherpa-transcriber.ts";
import { whisperTranscriber } from "../engines/speech/whisper-transcriber.ts";
import { ConfigError } from "../errors.ts";
import { modelsDirectory, pulledModel } from "../models/models.ts";
import { type AnyOptionalPackage, hasPackage, installLine } from "../util/optional.ts";

const name = "speech";
/** The language of the model in the catalogue, as the first part of a BCP 47 tag. */
const known = "en";

/**
 * The local transcriber of a configuration; `null` where none is named and none was pulled that knows the language.
 * @throws ConfigError `model-missing`, `model-unreadable` or `runtime-missing` for one that is named and cannot be had
 */
export function configuredLocalTranscriber(config: Config): Transcriber | null {
  const named = localName(config.transcriber);
  if (named === null) {
    const isWanted = config.transcribe && config.transcriber.baseUrl === undefined;
    const pulled = pulledModel(modelsDirectory(process.env, homedir()), name);
    if (!isWanted || !pulled || !isKnown(config.languages)) return null;
    return runtimeFiles() ? openSpeechModel(name, pulled.directory, config) : null;
  }
  return openSpeechModel(named, placeOf(named), config);
}

/** The commands that make a pulled model hear words; `null` where it would not know the language, or nothing lacks. */
export function lacksForSpeech({ languages }: Pick<Config, "languages">): string | null {
  if (!isKnown(languages)) return null;
  const directory = modelsDirectory(process.env, homedir());
  const names = [name, "voice"].filter((one) => !pulledModel(directory, one));
  const lacks = [
    ...names.map((one) => `taskmem models pull ${one}`),
    ...(runtimeFiles() ? [] : [installLine(runtimePackage)]),
  ];
  return lacks.length === 0 ? null : lacks.join(" && ");
}

const isKnown = (languages: readonly string[]) =>
  languages.length === 0 || languages.some((tag) => tag.toLowerCase().split("-")[0] === known);

function placeOf(named: string): string {
  const pulled = pulledModel(modelsDirectory(process.env, homedir()), named);
  if (pulled) return pulled.directory;
  if (existsSync(named)) return named;
  throw new ConfigError(
    "model-missing",
    `Expected a pulled speech model or a folder with one, got local:${named}. \`taskmem models pull ${name}\` pulls one.`,
  );
}

/** What runs sherpa-onnx. */
const sherpaPackage = "sherpa-onnx-node" as const;

function openSpeechModel(called: string, folder: string, { languages }: Config): Transcriber {
  if (existsSync(join(folder, "model.bin")) && existsSync(join(folder, "vocabulary.txt"))) {
    const runtime = runtimeFiles();
    if (runtime) return whisperTranscriber({ name: called, folder, runtime });
    throw runtimeMissing(runtimePackage);
  }
  const model = sherpaModel(folder);
  if (!model)
    throw new ConfigError(
      "model-unreadable",
      `Expected a speech model in ${folder}, got none that is known. A Whisper model of faster-whisper has model.bin and vocabulary.txt; one of sherpa-onnx has ${expectedFiles}.`,
    );
  if (!hasPackage(sherpaPackage)) throw runtimeMissing(sherpaPackage);
  const module = fileURLToPath(import.meta.resolve(sherpaPackage));
  return sherpaTranscriber({ name: called, module, model, language: languages[0] ?? null });
}

const runtimeMissing = (name: AnyOptionalPackage) =>
  new ConfigError("runtime-missing", `This speech model needs ${name}: ${installLine(name)}`);
