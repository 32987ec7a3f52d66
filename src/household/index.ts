/** A simulated household that films itself, knows what is true and asks questions. */
export type { Option } from "../tasks/task.ts";
export type { Random } from "../util/random.ts";
export { drawScene, frameSize } from "./draw.ts";
export {
  type Fact,
  type FactKind,
  factKinds,
  factValue,
  keyOf,
  kindOfQuestion,
  kindOfSentence,
  type Person,
  questionOf,
  sentenceOf,
  type Verb,
} from "./language.ts";
export { type ObserveOptions, observeClip } from "./observe.ts";
export { askAbout, type HouseholdQuestion, type QuestionOptions } from "./questions.ts";
export {
  captionsOf,
  type RenderEpisodeOptions,
  type RenderedEpisode,
  renderEpisode,
  subtitlesOf,
} from "./render.ts";
export type { Episodes } from "./splits.ts";
export {
  type HouseholdVideo,
  type HouseholdVideos,
  type HouseholdVideosOptions,
  householdVideos,
} from "./training-videos.ts";
export {
  createEpisode,
  type Episode,
  type EpisodeClip,
  episodeSeed,
  type Scene,
  type Split,
} from "./world.ts";
