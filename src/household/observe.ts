/**
 * A clip of an episode as perception would see it, without making a video: for training, which sees thousands of clips.
 *
 * It has one frame per scene, coded as JPEG twice in place of the video codec, and speech as subtitles. Watching for
 * real uses a video (`render.ts`).
 */

import type { Observation } from "../perception/observation.ts";
import type { Frame } from "../stream/clip.ts";
import { createCanvas, loadImage } from "../util/canvas.ts";
import { drawScene, frameSize } from "./draw.ts";
import { sentenceOf, spokenLine } from "./language.ts";
import type { EpisodeClip, Scene } from "./world.ts";

/** What an observation of a clip contains. */
export interface ObserveOptions {
  readonly stream: string;
  /** Whether frames are drawn. @default true */
  readonly pictures?: boolean;
  /** Whether what is seen is also given as captions. @default false */
  readonly captions?: boolean;
}

/** The observation of one clip; the same at each call. */
export async function observeClip(
  clip: EpisodeClip,
  { stream, pictures = true, captions = false }: ObserveOptions,
): Promise<Observation> {
  const { index, startSeconds, endSeconds, scenes } = clip;
  return {
    stream,
    clip: index,
    startSeconds,
    endSeconds,
    frames: pictures ? await Promise.all(scenes.map(frameOf)) : [],
    speech: scenes.flatMap((scene) =>
      scene.strips.flatMap((fact) =>
        fact?.kind === "speech"
          ? [{ ...spanOf(scene, 0.25), text: spokenLine(fact), speaker: fact.person }]
          : [],
      ),
    ),
    captions: captions
      ? scenes.flatMap((scene) =>
          scene.strips.flatMap((fact) =>
            fact !== null && fact.kind !== "speech"
              ? [{ ...spanOf(scene), text: sentenceOf(fact), speaker: null }]
              : [],
          ),
        )
      : [],
    screen: [],
    shots: [],
    people: [],
    tiers: { picture: "drawn" },
    problems: [],
  };
}

function spanOf({ startSeconds, endSeconds }: Scene, margin = 0) {
  return { startSeconds: startSeconds + margin, endSeconds: endSeconds - margin };
}

async function frameOf(scene: Scene): Promise<Frame> {
  const { width, height } = frameSize;
  const canvas = drawScene(scene);
  const once = await loadImage(await canvas.encode("jpeg", 80));
  const again = createCanvas(width, height);
  again.getContext("2d").drawImage(once, 0, 0, width, height);
  const jpeg = new Uint8Array(await again.encode("jpeg", 85));
  return { atSeconds: (scene.startSeconds + scene.endSeconds) / 2, width, height, jpeg };
}
