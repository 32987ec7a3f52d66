/** Looks in words. */
import type { Look } from "./look.ts";

type Picture = NonNullable<Look["picture"]>;
type Sound = NonNullable<Look["sound"]>;

/** Sound below this level is silence, in dB below full scale. */
const silentDb = -55;
/** Share of a picture that changes less than this where nothing moves. */
export const stillChange = 0.01;
/** Shorter talk is not told of: music makes a net find as much. Seconds. */
export const leastTalkSeconds = 1;
/** Speech-like sound counts from this share of the sound, and from these seconds, on. */
const leastSpeech = { share: 0.15, seconds: 1.5 };

/** All that a look tells of a stretch of some seconds. */
export function lookText(look: Look, seconds: number): string {
  const { picture, sound, recordedAtMs } = look;
  const size = picture?.width && picture.height ? `, ${picture.width}×${picture.height}` : "";
  const parts = [
    `${lengthText(seconds)} of ${picture ? `video${size}` : sound ? soundText(sound) : "nothing"}`,
    ...(picture ? [shotsText(picture)] : []),
    ...(picture?.changed == null ? [] : [motionText(picture.changed)]),
    ...(picture?.brightness == null ? [] : [lightText(picture.brightness)]),
    ...(picture ? [sound ? soundText(sound) : "no sound"] : []),
    ...(recordedAtMs === null ? [] : [`recorded ${dateText(recordedAtMs)}, as the recording says`]),
  ];
  return `${parts.join("; ")}.`;
}

/** `one shot`, `3 shots`. */
export const shotsText = ({ cuts }: Picture): string => (cuts === 0 ? "one shot" : `${cuts + 1} shots`);

/** How much moves, by the share of the picture that changes within a second. */
export function motionText(changed: number): string {
  if (changed < stillChange) return "the picture stands still";
  if (changed < 0.08) return "little moves";
  return changed < 0.4 ? "something moves" : "the whole picture moves";
}

/** How bright a picture is. */
export function lightText(brightness: number): string {
  return brightness < 0.12 ? "dark" : brightness < 0.25 ? "dim" : "bright";
}

/** What sound is like. */
export function soundText(sound: Sound): string {
  if (isSilent(sound)) return "silence";
  const level = sound.levelDb < -40 ? "quiet sound" : "sound";
  if (sound.byVoice)
    return sound.speechSeconds < leastTalkSeconds
      ? `${level} without speech`
      : `${level}, somebody speaks for ${lengthText(sound.speechSeconds)}`;
  if (!mayHoldSpeech(sound)) return `${level}, not like speech`;
  return `${level}, ${sound.speechSeconds > sound.seconds / 2 ? "mostly" : "partly"} speech-like`;
}

/** Whether nothing is heard of a sound track. */
export const isSilent = ({ levelDb }: Pick<Sound, "levelDb">): boolean => levelDb < silentDb;

/** Whether enough of sound is like speech to say so. */
export function mayHoldSpeech(sound: Sound): boolean {
  if (sound.byVoice) return sound.speechSeconds >= leastTalkSeconds;
  const least = Math.max(leastSpeech.seconds, leastSpeech.share * sound.seconds);
  return !isSilent(sound) && sound.speechSeconds >= least;
}

/** `1.4 s`, `42 s`, `3 min 20 s`, `1 h 5 min`. */
export function lengthText(seconds: number): string {
  const whole = Math.round(seconds);
  if (seconds < 9.95) return `${Math.round(10 * seconds) / 10} s`;
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const parts = [`${hours} h`, `${minutes} min`, `${hours > 0 ? 0 : whole % 60} s`];
  return parts.filter((part) => !part.startsWith("0 ")).join(" ");
}

/** A wall time to the minute, in UTC. */
export function dateText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
