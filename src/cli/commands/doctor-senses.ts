/**
 * The checks of `taskmem doctor` that are about what a set-up perceives: its model, its transcriber, voices, text in the
 * picture.
 * Each is tried, and what is not perceived without it is told.
 */
import { type Config, policyName } from "../../config.ts";
import type { OnProgress } from "../../engine.ts";
import { lacksForOverlay } from "../../policy/paint.ts";
import { configuredPerceptors } from "../../taskmem/assembly.ts";
import type { Check } from "../../taskmem/check.ts";
import { checkModel } from "../../taskmem/model-checks.ts";
import { lacksForPeople } from "../../taskmem/people.ts";
import { lacksForText } from "../../taskmem/picture-text.ts";
import { lacksForSpeech } from "../../taskmem/speech-models.ts";
import { lacksForVoice } from "../../taskmem/voices.ts";
import type { Invocation } from "../invocation.ts";
import { showProgress } from "../progress.ts";
import { attempt } from "./doctor-attempt.ts";

/** A check of a sense, and what is lacking for `watch`, or `null`. */
export interface Sense {
  readonly check: Check;
  readonly lacks: string | null;
}

/** All of them, each as soon as it is done. @throws the signal's reason */
export async function* senseChecks(
  config: Config,
  { signal, output }: Pick<Invocation, "signal" | "output">,
): AsyncGenerator<Sense> {
  yield* modelChecks(config, signal, showProgress(output));
  yield await transcriberCheck(config, signal);
  yield await voiceCheck(config, signal);
  yield screenTextCheck(config);
  yield* peopleCheck(config);
  yield* overlayCheck(config);
}

const blind = "no model looks at pictures, so what they show is not described";

async function* modelChecks(
  config: Config,
  signal: AbortSignal,
  onProgress: OnProgress,
): AsyncGenerator<Sense> {
  if (config.model.model === undefined) {
    const check: Check = {
      ...{ check: "model", state: "missing" },
      detail: "none configured; the choice policy and the local reader work without one",
      fix: "--base-url and --model, or TASKMEM_BASE_URL and TASKMEM_MODEL",
    };
    return yield { check, lacks: policyName(config) === "nano" ? null : blind };
  }
  const writes = policyName(config) === "model" || policyName(config) === "best-of-n";
  for await (const check of checkModel(config, { signal, onProgress })) {
    const lacks = check.state === "missing" ? check.detail : null;
    yield { check, lacks: check.check === "model" && !writes ? blind : lacks };
  }
}

/** Transcribes a moment of silence. */
async function transcriberCheck(config: Config, signal: AbortSignal): Promise<Sense> {
  const { transcriber } = configuredPerceptors(config);
  const lacks = "what is heard is not transcribed, so speech is known from subtitles only";
  if (transcriber === null) {
    const here = config.transcribe ? lacksForSpeech(config) : null;
    const check: Check = {
      ...{ check: "transcriber", state: "missing", detail: "none configured; speech is read from subtitles" },
      fix: `--transcribe-base-url and --transcribe-model, or TASKMEM_TRANSCRIBE_BASE_URL and TASKMEM_TRANSCRIBE_MODEL${here ? `; for English without an endpoint: ${here}` : ""}`,
    };
    return { check, lacks };
  }
  const silence = { startSeconds: 0, samples: new Int16Array(8000) };
  const tried = await attempt("transcriber", () => transcriber.transcribe(silence, { signal }));
  await transcriber.close?.();
  if ("failed" in tried) return { check: tried.failed, lacks };
  return { check: { check: "transcriber", state: "ok", detail: transcriber.id, fix: null }, lacks: null };
}

/** Listens for voices to a moment of a tone, which is no silence. */
async function voiceCheck(config: Config, signal: AbortSignal): Promise<Sense> {
  const { voice = null, speakers = null, transcriber } = configuredPerceptors(config);
  const lacks = transcriber === null ? "where somebody speaks is guessed from how sound is like" : null;
  if (voice === null) {
    const detail = "no net finds them; how sound is like tells whether it may be speech";
    return { check: { check: "voices", state: "missing", detail, fix: lacksForVoice() }, lacks };
  }
  const samples = Int16Array.from({ length: 8000 }, (_, i) => 3000 * Math.sin(i / 5));
  const tried = await attempt("voices", () => voice.find({ startSeconds: 0, samples }, signal));
  await voice.close?.();
  if ("failed" in tried) return { check: tried.failed, lacks };
  const told = speakers ? `told apart by ${speakers.id}` : "not told apart";
  const detail = `found by ${voice.id}, ${told}, where no words are known`;
  const fix = speakers ? null : `tell them apart with: ${lacksForVoice("speakers")}`;
  return { check: { check: "voices", state: "ok", detail, fix }, lacks: null };
}

/** Only where it is asked for. */
async function* overlayCheck({ model, people }: Config): AsyncGenerator<Sense> {
  if (!model.overlay) return;
  const lacking = await lacksForOverlay();
  const detail =
    lacking !== null
      ? "nothing can be painted on frames"
      : people
        ? "tags of people and what is said are painted on frames"
        : "what is said is painted on frames; tags of people are, with --people";
  const check: Check = { check: "overlay", state: lacking === null ? "ok" : "missing", detail, fix: lacking };
  yield { check, lacks: lacking === null ? null : detail };
}

/** Only where it is asked for. */
function* peopleCheck({ people }: Config): Generator<Sense> {
  if (!people) return;
  const lacking = lacksForPeople();
  const check: Check =
    lacking === null
      ? { check: "people", state: "ok", detail: "told apart by their faces", fix: null }
      : { check: "people", state: "missing", detail: "the nets that find faces are not here", fix: lacking };
  yield { check, lacks: lacking === null ? null : "people are not told apart" };
}

function screenTextCheck(config: Config): Sense {
  const { screenReader, leftOut = [] } = configuredPerceptors(config);
  const missing = leftOut.map(({ reason }) => reason).join(" ");
  const detail = config.screenText ? missing || `read by ${screenReader?.id}` : "switched off";
  const isWhole = screenReader !== null && missing === "";
  const better = screenReader?.id === "tesseract" ? lacksForText(config.languages) : null;
  const fix = better === null ? null : `read better, and more of it, with: ${better}`;
  return {
    check: { check: "text in the picture", state: isWhole ? "ok" : "missing", detail, fix },
    lacks: screenReader === null ? "text in the picture is not read" : null,
  };
}
