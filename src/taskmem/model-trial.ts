/** A model writes the memory of a made-up clip, of which nothing is stored. */
import type { Observation } from "../perception/observation.ts";
import type { Context } from "../policy/policy.ts";
import { configuredModelPolicy } from "./assembly.ts";
import { broken, type Checked, type Finding, missing, ok, quoted, writesMemories } from "./check.ts";
import { pictureOfTwoColours } from "./model-questions.ts";

/** Lets it write the memory of a clip as long, and with as many pictures, as those of a stream. */
export async function memoryFinding({ config, model, can, signal, now }: Checked): Promise<Finding | null> {
  if (!writesMemories(config)) return null;
  const { clipSeconds, fps, width, height } = config.stream;
  const jpeg = can.images ? await pictureOfTwoColours(config.stream, signal) : null;
  const frames = Array.from({ length: jpeg === null ? 0 : Math.ceil(clipSeconds * fps) }, (_, i) => ({
    ...{ atSeconds: i / fps, width, height, jpeg: jpeg! },
  }));
  const began = now();
  const policy = configuredModelPolicy(config, model);
  const { actions, cost } = await policy.decide(clipOf(frames, clipSeconds), signal ? { signal } : {});
  const seconds = (now() - began) / 1000;
  const [action] = actions;
  const spent = `${seconds.toFixed(1)} s, ${cost.promptTokens} tokens read and ${cost.completionTokens} written in ${cost.calls === 1 ? "a call" : `${cost.calls} calls`}`;
  if (action!.issues.length > 0) {
    const problems = action!.issues.map(({ message }) => message).join("; ");
    return broken(
      `the model wrote no usable memory of a made-up clip, since ${problems} (${spent})`,
      "serve a larger instruction-tuned model",
    );
  }
  const text = action!.statements.map((statement) => statement.text).join(" ");
  if (!/suitcase/i.test(text))
    return missing(
      `the model's memory of a made-up clip does not hold what was said in it: ${quoted(text)} (${spent})`,
      "expect poor memories, or serve a larger model",
    );
  return ok(`the model wrote of a made-up clip: ${quoted(text)} (${spent})`);
}

/** A context of one clip in which a sentence is said. */
export function clipOf(frames: Observation["frames"], clipSeconds = 10): Context {
  const observation: Observation = {
    ...{ stream: "check", clip: 0, startSeconds: 0, endSeconds: clipSeconds, frames },
    speech: [
      { startSeconds: 1, endSeconds: 4, text: "I put the blue suitcase under the stairs.", speaker: "Mara" },
    ],
    ...{ captions: [], screen: [], shots: [], people: [], tiers: {}, problems: [] },
  };
  return {
    observations: [observation],
    recent: { observations: [], entries: [] },
    state: { value: null, documents: 0, words: new Map() },
  };
}
