/**
 * Whether a model can fill in the form of an answer: a question with one right answer, asked once in a process.
 *
 * A very small model that is held to a schema writes the form, and often fills it in with what no entry says.
 */
import { type Cost, type Model, noCost } from "../engine.ts";
import type { Question } from "../tasks/task.ts";
import { answerInstructions, answerPrompt, answerSchema } from "./answer-form.ts";
import { parseReading } from "./parse-reading.ts";

/** What models showed of their way with forms, in this process. */
const probes = new WeakMap<Model, Promise<{ readonly fills: boolean; readonly cost: Cost }>>();

/** Whether a model fills in forms; `null` where that was not looked into. */
export async function fillsForms(model: Model): Promise<boolean | null> {
  return (await probes.get(model))?.fills ?? null;
}

/** How a model is probed. */
export interface ProbeOptions {
  /** The same model as it is asked, such as one that keeps its answers. */
  readonly probed: Model;
  readonly signal?: AbortSignal | undefined;
}

/** Asks a model a question with one right answer in the form of all answers; once, then the result is known. */
export async function probeForms(
  model: Model,
  { probed, signal }: ProbeOptions,
): Promise<{ fills: boolean; cost: Cost }> {
  const known = await fillsForms(model);
  if (known !== null) return { fills: known, cost: noCost };
  const probe = askProbe(probed, signal);
  probes.set(model, probe);
  probe.catch(() => probes.delete(model));
  return probe;
}

async function askProbe(model: Model, signal?: AbortSignal): Promise<{ fills: boolean; cost: Cost }> {
  const { completions, cost } = await model.generate({
    system: answerInstructions,
    parts: [{ type: "text", text: answerPrompt(probeQuestion, probeMemory, null) }],
    sampling: { temperature: 0, maxTokens: 512 },
    schema: answerSchema(probeQuestion, 3),
    ...(signal && { signal }),
  });
  const parsed = parseReading(completions[0]?.text ?? "", probeQuestion, 3);
  const fills = parsed.ok && parsed.reading.cited.join() === "2" && /\bEmil\b/.test(parsed.reading.answer);
  return { fills, cost };
}

const probeQuestion: Question = { text: "Who feeds the parrot?", options: [] };
const probeMemory = `Description:

00:00:00-00:00:10
[1] Nora parks the bicycle behind the bakery.

00:00:10-00:00:20
[2] Emil feeds the parrot.

00:00:20-00:00:30
[3] The train to Oslo is an hour late.`;
