/**
 * Transcripts as JSON: openai-whisper and faster-whisper (`segments`), WhisperX (`speaker` of segments and words),
 * whisper.cpp (`transcription` with offsets), and YouTube's json3 (`events`).
 */
import { z } from "zod";
import type { TimedText, TimedTexts } from "./timed-text.ts";

const speaker = z.string().min(1).nullish();
const whisper = z.object({
  language: z.string().nullish(),
  segments: z.array(
    z.object({
      start: z.number(),
      end: z.number(),
      text: z.string(),
      speaker,
      words: z
        .array(
          z.object({ word: z.string(), start: z.number().nullish(), end: z.number().nullish(), speaker }),
        )
        .nullish(),
    }),
  ),
});
const whisperCpp = z.object({
  result: z.object({ language: z.string().nullish() }).nullish(),
  transcription: z.array(
    z.object({ offsets: z.object({ from: z.number(), to: z.number() }), text: z.string(), speaker }),
  ),
});
const json3 = z.object({
  wireMagic: z.literal("pb3"),
  events: z.array(
    z.object({
      tStartMs: z.number(),
      dDurationMs: z.number().nullish(),
      aAppend: z.number().nullish(),
      segs: z.array(z.object({ utf8: z.string().nullish() })).nullish(),
    }),
  ),
});

/** Texts of a transcript in JSON; `null` if the file is none, such as a description of a video. */
export function parseWhisper(text: string): TimedTexts | null {
  const value = parsed(text);
  const cpp = whisperCpp.safeParse(value);
  if (cpp.success) {
    const texts = cpp.data.transcription.map(({ offsets, ...said }) => ({
      startSeconds: offsets.from / 1000,
      endSeconds: offsets.to / 1000,
      ...withSpeaker(said.text, said.speaker),
    }));
    return { texts: inOrder(texts), problems: [], ...languageOf(cpp.data.result?.language) };
  }
  const own = whisper.safeParse(Array.isArray(value) ? { segments: value } : value);
  if (own.success) {
    const texts = own.data.segments.flatMap(turnsOf);
    return { texts: inOrder(texts), problems: [], ...languageOf(own.data.language) };
  }
  const youtube = json3.safeParse(value);
  if (!youtube.success) return null;
  const texts = youtube.data.events.flatMap(({ tStartMs, dDurationMs, segs }) => {
    const said = (segs ?? []).map(({ utf8 }) => utf8 ?? "").join("");
    const startSeconds = tStartMs / 1000;
    return said.trim() === ""
      ? []
      : [{ startSeconds, endSeconds: startSeconds + (dDurationMs ?? 0) / 1000, text: said }];
  });
  return { texts: inOrder(texts), problems: [] };
}

type Segment = z.infer<typeof whisper>["segments"][number];

/** A segment, in as many parts as its words have speakers. */
function turnsOf({ start, end, text, speaker: segmentSpeaker, words }: Segment): TimedText[] {
  const speakers = new Set(words?.map((word) => word.speaker ?? null).filter((name) => name !== null));
  if (!words || speakers.size < 2)
    return [
      { startSeconds: start, endSeconds: end, ...withSpeaker(text, segmentSpeaker ?? [...speakers][0]) },
    ];
  const turns: { startSeconds: number; endSeconds: number; text: string; speaker: string | null }[] = [];
  for (const { word, speaker: name = null, ...times } of words) {
    const last = turns.at(-1);
    const endSeconds = times.end ?? last?.endSeconds ?? start;
    if (last && (name === null || name === last.speaker)) {
      last.text += /^\s/.test(word) ? word : ` ${word}`;
      last.endSeconds = endSeconds;
    } else
      turns.push({
        startSeconds: times.start ?? last?.endSeconds ?? start,
        endSeconds,
        text: word.trim(),
        speaker: name,
      });
  }
  return turns;
}

const withSpeaker = (text: string, name: string | null | undefined) => ({
  text,
  ...(name && { speaker: name }),
});

const languageOf = (language: string | null | undefined) => (language ? { language } : {});

const inOrder = (texts: readonly TimedText[]) =>
  texts.filter(({ startSeconds, endSeconds }) => startSeconds >= 0 && endSeconds >= startSeconds);

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
