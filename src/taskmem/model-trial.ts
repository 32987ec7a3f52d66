/** A model writes the memory of a made-up clip, of which nothing is stored. */
import { madeUpClip, madeUpWord } from "../policies/model/form-probe.ts";
import { isQuoted } from "../policies/model/quoted-action.ts";
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
  const { actions, cost } = await policy.decide(madeUpClip(frames, clipSeconds), signal ? { signal } : {});
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
  if (!madeUpWord.test(text))
    return missing(
      `the model's memory of a made-up clip does not hold what was said in it: ${quoted(text)} (${spent})`,
      "expect poor memories, or serve a larger model",
    );
  if (isQuoted(action!))
    return missing(
      `the model writes nothing usable: a clip that is text alone is quoted, as ${quoted(text)}, and any other fails (${spent})`,
      "serve a larger instruction-tuned model",
    );
  return ok(`the model wrote of a made-up clip: ${quoted(text)} (${spent})`);
}
