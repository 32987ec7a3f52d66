/**
 * Speech to text, `POST /audio/transcriptions` (whisper servers, vLLM, hosted).
 *
 * Silence is not sent: speech models invent words for it. An endpoint that gives no segment times gives one segment
 * for the whole clip.
 */
import { z } from "zod";
import type { TranscribedSegment, Transcriber } from "../../engine.ts";
import { EngineError } from "../../errors.ts";
import type { Audio } from "../../stream/clip.ts";
import { type EndpointOptions, openEndpoint, tokenCount } from "./client.ts";
import { badResponse } from "./errors.ts";
import type { Use } from "./prices.ts";

const samplesPerSecond = 16_000;
/** Root mean square of what counts as silence: −60 dB of full scale. */
const silenceRms = 0.001 * 32_768;
/** Segments the model itself doubts more than this are dropped, as whisper's own decoder does. */
const noSpeechLimit = 0.6;

/** From most to least detail; the first format that the endpoint accepts is used from then on. */
const formats = ["verbose_json", "json", "text"] as const;

/** Speech to text behind an endpoint. @throws ConfigError `base-url-invalid` */
export function openaiTranscriber(options: EndpointOptions): Transcriber {
  const endpoint = openEndpoint(options);
  let format = 0;

  async function ask(
    audio: Audio,
    language: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<TranscribedSegment[]> {
    const asked = format;
    const wav = wavOf(audio.samples);
    const forecast = { promptTokens: 0, completionTokens: 0, soundSeconds: secondsOf(audio) };
    try {
      const { value } = await endpoint.call(
        forecast,
        async (post) => {
          const form = new FormData();
          form.set("file", new Blob([wav], { type: "audio/wav" }), "clip.wav");
          form.set("model", options.model);
          form.set("response_format", formats[asked]!);
          form.set("temperature", "0");
          if (language) form.set("language", language);
          const answer = await post("audio/transcriptions", form);
          return readTranscript(answer, audio);
        },
        signal,
      );
      return value;
    } catch (error) {
      const isRefused =
        error instanceof EngineError &&
        error.code === "bad-request" &&
        /response_format|verbose_json|'json'/i.test(String(error.details.said));
      if (!isRefused || asked + 1 >= formats.length) throw error;
      format = Math.max(format, asked + 1);
      return ask(audio, language, signal);
    }
  }

  return {
    id: `openai:${options.model}`,
    transcribe: async (audio, { language, signal }) => {
      if (rootMeanSquare(audio.samples) < silenceRms) return [];
      return ask(audio, language?.split("-")[0], signal);
    },
    cost: endpoint.cost,
  };
}

const transcriptSchema = z.object({
  text: z.string().nullish(),
  language: z.string().nullish(),
  segments: z
    .array(
      z.object({
        start: z.number(),
        end: z.number(),
        text: z.string(),
        speaker: z.string().nullish(),
        no_speech_prob: z.number().nullish(),
      }),
    )
    .nullish(),
  usage: z
    .object({ input_tokens: tokenCount, output_tokens: tokenCount, seconds: tokenCount })
    .nullish()
    .catch(null),
});

/** Segments in stream time, kept inside the audio, and what was used. @throws EngineError `bad-response` */
function readTranscript(body: unknown, audio: Audio): { value: TranscribedSegment[]; used: Use } {
  const parsed = transcriptSchema.safeParse(typeof body === "string" ? { text: body } : body);
  if (!parsed.success) throw badResponse("The endpoint sent no transcript", parsed.error);
  const { text, language, segments, usage } = parsed.data;
  const duration = secondsOf(audio);
  const inStream = (seconds: number) => audio.startSeconds + Math.min(duration, Math.max(0, seconds));
  const heard = segments ?? [{ start: 0, end: duration, text: text ?? "" }];
  const value = heard
    .filter((segment) => segment.text.trim() !== "" && (segment.no_speech_prob ?? 0) <= noSpeechLimit)
    .map((segment) => ({
      startSeconds: inStream(segment.start),
      endSeconds: inStream(segment.end),
      text: segment.text.trim(),
      speaker: segment.speaker ?? null,
      language: language ?? null,
    }))
    .sort((a, b) => a.startSeconds - b.startSeconds);
  const used = {
    promptTokens: usage?.input_tokens ?? 0,
    completionTokens: usage?.output_tokens ?? 0,
    soundSeconds: usage?.seconds ?? duration,
  };
  return { value, used };
}

const secondsOf = ({ samples }: Audio) => samples.length / samplesPerSecond;

function rootMeanSquare(samples: Int16Array): number {
  if (samples.length === 0) return 0;
  return Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
}

/** A RIFF file of 16-bit mono PCM. */
function wavOf(samples: Int16Array): Uint8Array<ArrayBuffer> {
  const headerBytes = 44;
  const file = Buffer.alloc(headerBytes + samples.length * 2);
  file.write("RIFF", 0, "ascii");
  file.writeUInt32LE(file.length - 8, 4);
  file.write("WAVEfmt ", 8, "ascii");
  file.writeUInt32LE(16, 16); // length of the format chunk
  file.writeUInt16LE(1, 20); // PCM
  file.writeUInt16LE(1, 22); // channels
  file.writeUInt32LE(samplesPerSecond, 24);
  file.writeUInt32LE(samplesPerSecond * 2, 28); // bytes per second
  file.writeUInt16LE(2, 32); // bytes per sample
  file.writeUInt16LE(16, 34); // bits per sample
  file.write("data", 36, "ascii");
  file.writeUInt32LE(samples.length * 2, 40);
  for (const [i, sample] of samples.entries()) file.writeInt16LE(sample, headerBytes + i * 2);
  return file;
}
