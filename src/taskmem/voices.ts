/** What finds voices in sound, and tells them apart: the nets that were pulled. */
import { homedir } from "node:os";
import type { SpeakerFinder, VoiceFinder } from "../engine.ts";
import { runtimeFiles, runtimePackage } from "../engines/onnx-runtime.ts";
import { speakerFinder } from "../engines/speakers/speaker-finder.ts";
import { voiceFinder } from "../engines/voice/voice-finder.ts";
import { modelsDirectory, type PulledModel, pulledModel } from "../models/models.ts";
import { installLine } from "../util/optional.ts";

type Name = "voice" | "speakers";

/** A finder over the pulled net; `null` where it was not pulled or cannot run. */
export function pulledVoiceFinder(): VoiceFinder | null {
  const [pulled, runtime] = [netOf("voice"), runtimeFiles()];
  return pulled && runtime ? voiceFinder({ folder: pulled.directory, runtime }) : null;
}

/** What tells voices apart; `null` where it was not pulled or cannot run. */
export function pulledSpeakerFinder(): SpeakerFinder | null {
  const [pulled, runtime] = [netOf("speakers"), runtimeFiles()];
  return pulled && runtime ? speakerFinder({ folder: pulled.directory, runtime }) : null;
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
