/** What tells people apart by their faces, where the configuration asks for it: the nets that were pulled. */

import { homedir } from "node:os";
import type { Config } from "../config.ts";
import { faceFinder } from "../engines/faces/face-finder.ts";
import { runtimeFiles, runtimePackage } from "../engines/onnx-runtime.ts";
import { shownPlace } from "../memory/place.ts";
import { modelsDirectory, pulledModel } from "../models/models.ts";
import type { FaceFinder } from "../perception/faces.ts";
import type { Perceptors } from "../perception/perceive.ts";
import { hasPackage, installLine } from "../util/optional.ts";
import { lacksForVoice } from "./voices.ts";

const name = "faces";

/** A finder over the pulled nets; `null` where they were not pulled or cannot run. */
export function pulledFaceFinder(): FaceFinder | null {
  const pulled = pulledModel(modelsDirectory(process.env, homedir()), name);
  const runtime = runtimeFiles();
  return pulled && runtime && hasPackage("@napi-rs/canvas")
    ? faceFinder({ folder: pulled.directory, runtime })
    : null;
}

/** The commands that make people recognised; `null` where nothing lacks. */
export function lacksForPeople(): string | null {
  const lacks = [
    ...(pulledModel(modelsDirectory(process.env, homedir()), name) ? [] : [`taskmem models pull ${name}`]),
    ...(runtimeFiles() ? [] : [installLine(runtimePackage)]),
    ...(hasPackage("@napi-rs/canvas") ? [] : [installLine("@napi-rs/canvas")]),
  ];
  return lacks.length === 0 ? null : lacks.join(" && ");
}

/** Senses with faces, where they are asked for; what is missing for them is told. */
export function withFaces(perceptors: Perceptors, { people }: Pick<Config, "people">): Perceptors {
  if (!people) return perceptors;
  const lacks = [lacksForVoice(), lacksForVoice("speakers")].filter((one) => one !== null);
  const hearing = {
    ...perceptors,
    comparesVoices: lacks.length === 0,
    lacksForVoices:
      lacks.length === 0 ? null : [...new Set(lacks.flatMap((one) => one.split(" && ")))].join(" && "),
  };
  const faces = pulledFaceFinder();
  if (faces) return { ...hearing, faces };
  const reason = `People were not told apart by their faces. To do it: ${lacksForPeople()}`;
  return {
    ...hearing,
    leftOut: [...(perceptors.leftOut ?? []), { kind: "picture", name: null, reason }],
  };
}

/** What is kept where people are told apart, as it is said before it begins. */
export const keptOfPeople = (memory: string): string =>
  `people are told apart by their faces and voices: a vector and the moments of each, and a small picture of each face, are kept in ${shownPlace(memory)}. \`taskmem people\` lists them, \`taskmem forget --person\` removes one.`;
