/** Pushed items as an observation, and that observation as a clip that perception takes. */
import type { Observation, ScreenText, Utterance } from "../perception/observation.ts";
import type { Clip, Cue } from "../stream/clip.ts";
import { joinAudio } from "../stream/clip-cutter.ts";
import { withoutRepeats } from "../stream/texts/subtitles/rolling.ts";
import type { TimedItem } from "./items.ts";

/** The fields of an observation to which nothing was pushed yet. */
export const nothingSeen = {
  frames: [],
  speech: [],
  captions: [],
  screen: [],
  shots: [],
  people: [],
  tiers: {},
  problems: [],
  pushed: { perceived: false, ids: [], sounds: [] },
} as const satisfies Partial<Observation>;

/** Puts the content of an item into its place in an observation. */
export function withContent(
  { frames, speech, captions, screen }: Observation,
  { atSeconds, endSeconds, content }: TimedItem,
): Partial<Observation> {
  const span = { startSeconds: atSeconds, endSeconds };
  switch (content.kind) {
    case "speech":
      return { speech: [...speech, { ...span, text: content.text, speaker: content.speaker }] };
    case "caption":
      return { captions: [...captions, { ...span, text: content.text, speaker: content.speaker }] };
    case "screen":
      return { screen: [...screen, { ...span, text: content.text, confidence: 100 }] };
    case "picture": {
      const { kind: _, ...picture } = content;
      return { frames: [...frames, { atSeconds, ...picture }] };
    }
    case "sound":
      return {};
  }
}

/** What was pushed, as a clip that perception takes. */
export function clipOf({
  stream,
  clip,
  startSeconds,
  endSeconds,
  frames,
  pushed,
  ...texts
}: Observation): Clip {
  const cue = (kind: Cue["kind"]) => (text: Utterance | ScreenText) => ({
    ...{ startSeconds: text.startSeconds, endSeconds: text.endSeconds, text: text.text, kind },
    speaker: "speaker" in text ? text.speaker : null,
    ...{ origin: "stream" as const, language: null },
  });
  const cues = [
    ...withoutRepeats(texts.speech).map(cue("speech")),
    ...texts.captions.map(cue("caption")),
    ...texts.screen.map(cue("screen")),
  ].sort((a, b) => a.startSeconds - b.startSeconds);
  return {
    ...{ kind: "clip", stream, index: clip, startSeconds, endSeconds, cues, shots: [] },
    frames: frames.toSorted((a, b) => a.atSeconds - b.atSeconds),
    largeFrames: [],
    audio: joinAudio((pushed?.sounds ?? []).toSorted((a, b) => a.startSeconds - b.startSeconds)),
  };
}
