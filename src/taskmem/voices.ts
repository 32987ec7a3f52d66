/** What finds voices in sound: the net that was pulled. */
import { homedir } from "node:os";
import type { VoiceFinder } from "../engine.ts";
import { runtimeFiles, runtimePackage } from "../engines/onnx-runtime.ts";
import { voiceFinder } from "../engines/voice/voice-finder.ts";
import { modelsDirectory, pulledModel } from "../models/models.ts";
import { installLine } from "../util/optional.ts";

const name = "voice";

/** A finder over the pulled net; `null` where it was not pulled or cannot run. */
export function pulledVoiceFinder(): VoiceFinder | null {
  const pulled = pulledModel(modelsDirectory(process.env, homedir()), name);
  const runtime = runtimeFiles();
  return pulled && runtime ? voiceFinder({ folder: pulled.directory, runtime }) : null;
}

/** The commands that make voices found; `null` where nothing lacks. */
export function lacksForVoice(): string | null {
  const lacks = [
    ...(pulledModel(modelsDirectory(process.env, homedir()), name) ? [] : [`taskmem models pull ${name}`]),
    ...(runtimeFiles() ? [] : [installLine(runtimePackage)]),
  ];
  return lacks.length === 0 ? null : lacks.join(" && ");
}
