/**
 * Clip → observation. Each perceptor reports the tier that ran. If one fails, the clip is kept without that sense and
 * gets a sentence in `problems`. There is no state between clips but how far what was said reached (`speech-ahead.ts`), so
 * a resumed run perceives the same as an uninterrupted one, save for a sentence over the border where it was interrupted.
 *
 * Whose face or voice it is, the memory says (`identity/`): `people` holds the speakers that the source names. Where no words
 * are known, a net tells whether somebody speaks.
 */
import type { SpeakerFinder, Transcriber, VoiceFinder } from "../engine.ts";
import type { Clip, Frame, LeftOut } from "../stream/clip.ts";
import { hasPackage, installLine } from "../util/optional.ts";
import { oneLine, plainText } from "../util/plain-text.ts";
import { installHint } from "../util/program.ts";
import { masked, maskedMessage } from "../util/secrets.ts";
import { type ClipFaces, type FaceFinder, facesOf } from "./faces.ts";
import { lookAt } from "./look.ts";
import type { Caption, Heard, Observation, Person, ScreenText, Utterance } from "./observation.ts";
import { type ScreenReader, type TesseractReader, tesseractReader } from "./screen-text.ts";
import { hear } from "./speech.ts";
import type { SoundAhead } from "./speech-ahead.ts";
import { heardIn, withVoices } from "./speech-heard.ts";
import { turnsOf, voicesIn } from "./voices.ts";

/** The senses a clip is perceived with; `null` for a missing one. */
export interface Perceptors {
  /** Speech to text, for sources without subtitles. */
  readonly transcriber: Transcriber | null;
  /** Language the transcriber expects, as a BCP 47 tag. */
  readonly language: string | null;
  /** Reads text in the picture. */
  readonly screenReader: ScreenReader | null;
  /** Finds faces, by which a memory tells people apart. @default none */
  readonly faces?: FaceFinder | null;
  /** Finds where somebody speaks, for sound whose words are not known. @default none */
  readonly voice?: VoiceFinder | null;
  /** Tells apart the voices that it finds. @default none */
  readonly speakers?: SpeakerFinder | null;
  /** Whether voices are compared across clips too, so that a memory tells people by them. @default false */
  readonly comparesVoices?: boolean;
  /** The commands that would add it; `null` where it is there. @default null */
  readonly lacksForVoice?: string | null;
  /** The commands that would add words of what is said; `null` where they would not help. @default null */
  readonly lacksForSpeech?: string | null;
  /** The commands that would make people known by their voices, where that is switched on; `null` where they are. @default null */
  readonly lacksForVoices?: string | null;
  /** The commands that would make print read better than tesseract reads it; `null` where they would not. @default null */
  readonly lacksForText?: string | null;
  /** Senses that were requested and are missing, with the way out. @default none */
  readonly leftOut?: readonly LeftOut[];
}

/** Which senses to use. */
export interface PerceptorOptions {
  /** Whether to read text in the picture. @default true */
  readonly screenText?: boolean;
  /** What reads it. @default tesseract, if it is installed */
  readonly screenReader?: ScreenReader | null;
  readonly transcriber?: Transcriber | null;
  /** Finds voices. @default none */
  readonly voice?: VoiceFinder | null;
  /** Tells them apart. @default none */
  readonly speakers?: SpeakerFinder | null;
  /** The commands that would add it. @default null */
  readonly lacksForVoice?: string | null;
  readonly lacksForSpeech?: string | null;
  /** The commands that would make print read, where nothing reads it. @default tesseract's */
  readonly lacksForText?: string | null;
  /** Languages spoken and shown, as BCP 47 tags, best first; the transcriber expects the first. @default any */
  readonly languages?: readonly string[];
}

/** The requested senses that this machine has. */
export function createPerceptors({
  screenText = true,
  transcriber = null,
  languages = [],
  screenReader: given = null,
  lacksForText = null,
  ...hearing
}: PerceptorOptions = {}): Perceptors {
  const language = languages[0] ?? null;
  if (screenText && given && hasPackage("@napi-rs/canvas"))
    return { transcriber, language, screenReader: given, ...hearing, leftOut: [] };
  const tesseract = screenText ? tesseractReader(process.env, languages) : null;
  // tesseract reads what the canvas has decoded.
  const screenReader = hasPackage("@napi-rs/canvas") ? tesseract : null;
  return {
    ...{ transcriber, language, screenReader, lacksForText, ...hearing },
    leftOut: screenText ? unread(tesseract, screenReader !== null, lacksForText) : [],
  };
}

/** Print that this machine cannot read, and what to install. */
function unread(
  tesseract: TesseractReader | null,
  hasCanvas: boolean,
  lacksForText: string | null,
): LeftOut[] {
  const leftOut = (reason: string): LeftOut => ({ kind: "text", name: null, reason });
  if (!tesseract || !hasCanvas) {
    const canvas = hasCanvas || hasPackage("@napi-rs/canvas") ? [] : [installLine("@napi-rs/canvas")];
    const pulled = lacksForText === null ? [] : [[lacksForText, ...canvas].join(" && ")];
    const install = tesseract ? canvas.join() : [...pulled, installHint("tesseract")].join(", or: ");
    return [leftOut(`Text in the pictures was not read. To read it: ${install}`)];
  }
  return tesseract.languages.missing.map(({ tag, package: name }) =>
    leftOut(
      `Text in the pictures was not read as ${tag}, for which tesseract has no data here. On Debian and its kin: sudo apt-get install -y ${name}`,
    ),
  );
}

/** How one clip is perceived. */
export interface PerceiveOptions {
  readonly signal?: AbortSignal;
  /** The sound behind it. @default none */
  readonly ahead?: SoundAhead;
  /** One of this many pictures is looked at, where the senses are late. @default 1 */
  readonly every?: number;
}

/** The observation of one clip; a failed sense is named in its `problems`. @throws only if aborted */
export async function perceive(
  clip: Clip,
  perceptors: Perceptors,
  options: PerceiveOptions = {},
): Promise<Observation> {
  const { signal, ahead, every = 1 } = options;
  const saidUntilSeconds = ahead?.saidUntilSeconds ?? Number.NEGATIVE_INFINITY;
  const problems: string[] = [];
  const attempt = async <T>(sense: string, fallback: T, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      signal?.throwIfAborted();
      problems.push(`${sense}: ${oneLine(maskedMessage((error as Error).message))}`);
      return fallback;
    }
  };

  const spoken: Utterance[] = clip.cues.filter(({ kind }) => kind === "speech").map(plain);
  const silent = { tier: "none", utterances: [] as Utterance[] };
  const all = clip.largeFrames.length > 0 ? clip.largeFrames : clip.frames;
  const [pictures, tooLarge] = withinSize(thinned(all, every));
  const { voice = null, speakers = null, transcriber, comparesVoices = false } = perceptors;
  const compares = comparesVoices && speakers?.voices !== undefined;
  // What a local recogniser cannot make words of is known to be speech still.
  const listens =
    compares ||
    (spoken.length === 0 &&
      clip.saidUntilSeconds === undefined &&
      (transcriber === null || transcriber.mostSeconds !== undefined));
  const sound = clip.audio !== null && clip.audio.samples.length > 0 ? clip.audio : null;
  const { faces = null } = perceptors;
  const [speech, screen, sensed, seen] = await Promise.all([
    spoken.length > 0
      ? { tier: tierOf(clip, "speech"), utterances: spoken }
      : clip.saidUntilSeconds !== undefined
        ? silent // a sentence of an earlier clip continues: it is remembered there
        : attempt("speech", silent, () => hear(clip, perceptors, signal, ahead)),
    attempt("on-screen text", [], async () => (await perceptors.screenReader?.read(pictures, signal)) ?? []),
    voice && sound && listens
      ? attempt<Heard[] | null>("voices", null, () => heardIn(sound, voice, signal))
      : null,
    faces && clip.frames.length > 0
      ? attempt<ClipFaces | null>("faces", null, () =>
          facesOf(faces, withinSize(thinned(aboutOneASecond(clip.frames), every))[0], clip.shots, signal),
        )
      : null,
  ]);
  if (tooLarge.length > 0 && (perceptors.screenReader || faces)) problems.push(tooLargeText(tooLarge));
  const isWordless = speech.utterances.length === 0 && clip.saidUntilSeconds === undefined;
  const wordless = isWordless ? sensed && from(sensed, saidUntilSeconds) : null;
  const talk = (sensed ?? []).filter(({ kind }) => kind === "speech");
  const voices =
    compares && sound && talk.length > 0
      ? await attempt("speakers", null, () => voicesIn(sound, talk, speakers, signal))
      : null;
  const told = voices ? { id: voices.space, turns: async () => turnsOf(voices) } : speakers;
  const heard =
    wordless && sound && told
      ? await attempt("speakers", wordless, () => withVoices(wordless, sound, told, signal))
      : wordless;
  const captions: Caption[] = clip.cues.filter(({ kind }) => kind === "caption").map(plain);
  const shown: ScreenText[] = clip.cues
    .filter(({ kind }) => kind === "screen")
    .map(({ startSeconds, endSeconds, text }) => ({
      ...{ startSeconds, endSeconds, text: kept(text), confidence: 100 },
    }));
  const said = speech.utterances.map(plain);

  const { stream, index, startSeconds, endSeconds, frames, shots } = clip;
  const read = shown.length + screen.length;
  const lines = { said: speech.utterances.length, captions: captions.length, read };
  const look = lookAt(clip, { lines, problems, ...(every > 1 && { every }) }, sensed);
  return {
    stream,
    clip: index,
    startSeconds,
    endSeconds,
    frames,
    speech: said,
    captions,
    screen: [...shown, ...screen.map((text) => ({ ...text, text: kept(text.text) }))],
    ...(heard && { heard }),
    ...(seen && { faces: seen }),
    ...(voices && { voices }),
    shots,
    people: peopleOf([...said, ...captions]),
    tiers: {
      speech: speech.tier,
      captions: captions.length > 0 ? tierOf(clip, "caption") : "none",
      screen: pictures.length > 0 && perceptors.screenReader ? perceptors.screenReader.id : "none",
      ...(heard && voice && { voice: voice.id }),
      ...(seen && faces && { faces: faces.id }),
    },
    problems,
    ...(look && { look }),
    ...(every > 1 && { every }),
  };
}

/** One of so many pictures, the first among them. */
const thinned = (frames: readonly Frame[], every: number): readonly Frame[] =>
  every === 1 ? frames : frames.filter((_, i) => i % every === 0);

/** A larger picture is not decoded: it could take the whole memory of the process. Pixels. */
const mostPixels = 50_000_000;

/** The pictures that are looked at, and those that are too large. */
function withinSize(
  frames: readonly Frame[],
): readonly [pictures: readonly Frame[], tooLarge: readonly Frame[]] {
  const isLarge = ({ width, height }: Frame) => width * height > mostPixels;
  if (!frames.some(isLarge)) return [frames, []];
  return [frames.filter((frame) => !isLarge(frame)), frames.filter(isLarge)];
}

function tooLargeText(frames: readonly Frame[]): string {
  const { width, height } = frames[0]!;
  return `pictures: one of ${width} × ${height} pixels was not looked at; the most is ${mostPixels / 1e6} million`;
}

/** Frames in which faces are looked for, in seconds from one to the next. */
const leastApartSeconds = 0.9;

function aboutOneASecond(frames: readonly Frame[]): Frame[] {
  const chosen: Frame[] = [];
  for (const frame of frames)
    if (frame.atSeconds - (chosen.at(-1)?.atSeconds ?? Number.NEGATIVE_INFINITY) >= leastApartSeconds)
      chosen.push(frame);
  return chosen;
}

/** What is heard from a moment on. */
const from = (heard: readonly Heard[], seconds: number): Heard[] =>
  heard
    .filter(({ endSeconds }) => endSeconds > seconds)
    .map((one) => ({ ...one, startSeconds: Math.max(one.startSeconds, seconds) }));

const plain = ({ startSeconds, endSeconds, text, speaker }: Utterance): Utterance => ({
  startSeconds,
  endSeconds,
  text: kept(text),
  speaker: speaker === null ? null : kept(speaker) || null,
});

/** A text as memory may keep it: nothing that a terminal would obey, no key, and no label that memory would take for a person. */
const kept = (text: string) => masked(plainText(text)).replace(/\[(person[_:]\w+)\]/gi, "($1)");

function tierOf(clip: Clip, kind: "speech" | "caption"): string {
  return clip.cues.find((cue) => cue.kind === kind)?.origin ?? "none";
}

/** Speakers by name, in order of first appearance. */
function peopleOf(utterances: readonly Utterance[]): Person[] {
  const moments = new Map<string, number[]>();
  for (const { speaker, startSeconds } of utterances) {
    if (speaker !== null) moments.set(speaker, [...(moments.get(speaker) ?? []), startSeconds]);
  }
  return [...moments].map(([name, atSeconds]) => ({ id: `name:${name.toLowerCase()}`, name, atSeconds }));
}
