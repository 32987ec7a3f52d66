/** What reads print in pictures: the nets that were pulled, where they know the languages, otherwise tesseract. */
import { homedir } from "node:os";
import { runtimeFiles, runtimePackage } from "../engines/onnx-runtime.ts";
import { textReader } from "../engines/text/text-reader.ts";
import { modelsDirectory, type PulledModel, pulledModel } from "../models/models.ts";
import type { ScreenReader } from "../perception/screen-text.ts";
import { installLine } from "../util/optional.ts";

const name = "text";
/** Languages that the nets read, as the first part of a BCP 47 tag. */
const known = ["en", "zh", "yue", "cmn"];

/** A reader over pulled nets; `null` where they were not pulled, cannot run, or do not know a language that is asked for. */
export function pulledTextReader(languages: readonly string[]): ScreenReader | null {
  const pulled = pulledNets();
  const runtime = runtimeFiles();
  if (!pulled || !runtime || !areKnown(languages)) return null;
  return textReader({ folder: pulled.directory, runtime });
}

/** The commands that make pulled nets read; `null` where they would not help or nothing lacks. */
export function lacksForText(languages: readonly string[]): string | null {
  if (!areKnown(languages)) return null;
  const lacks = [
    ...(pulledNets() ? [] : [`taskmem models pull ${name}`]),
    ...(runtimeFiles() ? [] : [installLine(runtimePackage)]),
  ];
  return lacks.length === 0 ? null : lacks.join(" && ");
}

const areKnown = (languages: readonly string[]) =>
  languages.every((tag) => known.includes(tag.toLowerCase().split("-")[0]!));

const pulledNets = (): PulledModel | null => pulledModel(modelsDirectory(process.env, homedir()), name);
