/** Memories that watched a household's texts and were asked about it: what the choice policy learns from. */
import { createAgent } from "../../src/agent.ts";
import { lexicalReader, wordSpace } from "../../src/engines/local/index.ts";
import {
  askAbout,
  captionsOf,
  createEpisode,
  type Episode,
  episodeSeed,
  type FactKind,
  subtitlesOf,
} from "../../src/household/index.ts";
import type { Memory } from "../../src/memory/memory.ts";
import type { Observation } from "../../src/perception/observation.ts";
import { choicePolicy } from "../../src/policies/choice/choice.ts";
import { parseSubtitles } from "../../src/stream/texts/subtitles.ts";
import { seededRandom } from "../../src/util/random.ts";
import { openTestMemory } from "./memory.ts";

/** Few enough tokens of each 30 s that most of what is asked for is left out without an adapter. */
export const scarce = { fraction: 0.2, floorTokens: 40 };

/** Five minutes of a household. */
export const film = createEpisode(episodeSeed("validation", 7), 30);

/** What is said and seen of an episode, as texts. */
export function observationsOf(episode: Episode = film): Observation[] {
  const read = (text: string, kind: "speech" | "caption") =>
    parseSubtitles(text, { name: "texts", kind }).cues;
  const said = read(subtitlesOf(episode), "speech");
  const seen = read(captionsOf(episode), "caption");
  return episode.clips.map(({ index, startSeconds, endSeconds }) => {
    const inside = (cue: { startSeconds: number }) =>
      cue.startSeconds >= startSeconds && cue.startSeconds < endSeconds;
    return {
      stream: "film",
      clip: index,
      ...{ startSeconds, endSeconds, frames: [], screen: [], shots: [], people: [], tiers: {}, problems: [] },
      speech: said.filter(inside),
      captions: seen.filter(inside),
    };
  });
}

/** A memory in a directory that watched the film and was asked about these kinds. */
export async function watchedMemory(
  directory: string,
  kinds: readonly FactKind[],
  perKind: number,
): Promise<Memory> {
  const memory = await openTestMemory(directory);
  await memory.addStream({
    ...{ id: "film", description: "film", clipSeconds: 10, fingerprint: null },
    clock: { kind: "media" },
  });
  const policy = choicePolicy({ words: wordSpace, budget: scarce });
  const lease = await memory.lease("film");
  for (const observation of observationsOf()) {
    await memory.addObservation(observation);
    await memory.commit({
      ...{ stream: "film", clips: [observation.clip], policy: "choice", revision: policy.revision },
      ...{ statements: [], stateChange: null },
    });
  }
  await lease.release();
  const perceptors = { transcriber: null, language: null, screenReader: null };
  const reader = lexicalReader({ words: wordSpace });
  const agent = createAgent({ memory, policy, perceptors, reader });
  for (const { text, options } of askAbout(film, seededRandom("tasks"), { kinds, perKind })) {
    await agent.ask({ text, options });
  }
  return memory;
}
