/**
 * Whether a model can write a memory in the form that is asked for: it is given a made-up clip, once in a process, when it
 * has failed at one of the stream.
 *
 * A clip alone decides nothing: of a difficult one a good model may write nonsense too. One sentence is said in the made-up
 * clip, and its memory has to hold it.
 */
import { type Cost, type GenerateRequest, type Model, noCost } from "../../engine.ts";
import type { Observation } from "../../perception/observation.ts";
import type { ActionContract } from "../../policy/parse-action.ts";
import type { Context } from "../../policy/policy.ts";
import {
  memoryInstructions,
  memoryPrompt,
  memorySchema,
  type PromptOptions,
  wordingOf,
} from "../../policy/prompts.ts";
import { actionOf } from "./model-action.ts";

interface Probe {
  readonly fills: boolean;
  readonly cost: Cost;
}

/** What models showed of their way with forms, in this process. */
const probes = new WeakMap<Model, Promise<Probe>>();

/** Whether a model fills in forms; `null` where that was not looked into. */
export async function fillsForms(model: Model): Promise<boolean | null> {
  return (await probes.get(model))?.fills ?? null;
}

/**
 * Has a model write the memory of the made-up clip in the form of all memories; once, then the result is known.
 * @throws EngineError if the model cannot be asked
 */
export async function probeForms(model: Model, options: PromptOptions, signal?: AbortSignal): Promise<Probe> {
  const known = await fillsForms(model);
  if (known !== null) return { fills: known, cost: noCost };
  const probe = askProbe(model, options, signal);
  probes.set(model, probe);
  probe.catch(() => probes.delete(model));
  return probe;
}

async function askProbe(model: Model, options: PromptOptions, signal?: AbortSignal): Promise<Probe> {
  const context = madeUpClip([]);
  const { jsonSchema } = await model.capabilities(signal);
  const request: GenerateRequest = {
    system: memoryInstructions(false, options),
    parts: memoryPrompt(context, options),
    sampling: { temperature: 0, maxTokens: probeTokens },
    ...(jsonSchema && { schema: memorySchema(options.semantic) }),
    ...(signal && { signal }),
  };
  const { completions, cost } = await model.generate(request);
  const completion = completions[0]!;
  const asked = { memories: [], wording: wordingOf(context, options), mayRepeat: false, mayBeEmpty: false };
  const contract: Omit<ActionContract, "known"> = options;
  const { statements } = actionOf(completion, context, { ...contract, asked, revision: "" });
  // What it thinks first takes more tokens than these, and a model that thinks is not too small for a form.
  const fills = completion.thinking !== null || statements.some(({ text }) => madeUpWord.test(text));
  return { fills, cost };
}

/** Room for a memory, not for a loop. */
const probeTokens = 512;

/** What a memory of the made-up clip has to name. */
export const madeUpWord = /suitcase/i;

/** A context of one clip in which a sentence is said. */
export function madeUpClip(frames: Observation["frames"], clipSeconds = 10): Context {
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
