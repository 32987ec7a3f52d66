/** What finds voices in sound, and tells them apart: the nets that were pulled. */
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { fileURLToPath } from "node:url";
import type { Config } from "../config.ts";
import type { SpeakerFinder, VoiceFinder } from "../engine.ts";
import { runtimeFiles, runtimePackage } from "../engines/onnx-runtime.ts";
import { sherpaSpeakerModel } from "../engines/sherpa/files.ts";
import { sherpaSpeakerFinder } from "../engines/sherpa/sherpa-speaker-finder.ts";
import { speakerFinder } from "../engines/speakers/speaker-finder.ts";
import { voiceFinder } from "../engines/voice/voice-finder.ts";
import { ConfigError } from "../errors.ts";
import { modelsDirectory, type PulledModel, pulledModel } from "../models/models.ts";
import { hasPackage, installLine } from "../util/optional.ts";

type Name = "voice" | "speakers";

/** A finder over the pulled net; `null` where it was not pulled or cannot run. */
export function pulledVoiceFinder(): VoiceFinder | null {
  const [pulled, runtime] = [netOf("voice"), runtimeFiles()];
  return pulled && runtime ? voiceFinder({ folder: pulled.directory, runtime }) : null;
}

/** The net that was pulled; `null` where it was not or cannot run. */
function pulledSpeakerFinder(): SpeakerFinder | null {
  const [pulled, runtime] = [netOf("speakers"), runtimeFiles()];
  return pulled && runtime ? speakerFinder({ folder: pulled.directory, runtime }) : null;
}

/** What runs sherpa-onnx. */
const sherpaPackage = "sherpa-onnx-node" as const;

/**
 * What tells voices apart, as a configuration names it.
 * @throws ConfigError `model-unreadable` or `runtime-missing` for nets that are named and cannot be had
 */
export function configuredSpeakerFinder({ speakers }: Pick<Config, "speakers">): SpeakerFinder | null {
  if (speakers === undefined) return pulledSpeakerFinder();
  const folder = speakers.slice("local:".length);
  const model = existsSync(folder) ? sherpaSpeakerModel(folder) : null;
  if (!model)
    throw new ConfigError(
      "model-unreadable",
      `Expected a folder with two nets of sherpa-onnx, pyannote's segmentation (model.onnx) and one that compares voices (such as 3dspeaker_speech_campplus_sv_en_voxceleb_16k.onnx), got ${folder}.`,
    );
  if (!hasPackage(sherpaPackage))
    throw new ConfigError(
      "runtime-missing",
      `These nets need ${sherpaPackage}: ${installLine(sherpaPackage)}`,
    );
  return sherpaSpeakerFinder({ module: fileURLToPath(import.meta.resolve(sherpaPackage)), model });
}

/** The commands that make voices found, or told apart; `null` where nothing lacks. */
export function lacksForVoice(name: Name = "voice"): string | null {
  const lacks = [
    ...(netOf(name) ? [] : [`taskmem models pull ${name}`]),
    ...(runtimeFiles() ? [] : [installLine(runtimePackage)]),
  ];
  return lacks.length === 0 ? null : lacks.join(" && ");
}

const netOf = (name: Name): PulledModel | null => pulledModel(modelsDirectory(process.env, homedir()), name);
