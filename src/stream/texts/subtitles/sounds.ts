/** Sound tags in subtitles for people who hear badly: `[Music]`, `(door slams)`, `♪ … ♪`. */

/** Starts of words that name a sound, a voice's manner or music, in the languages that captions come in most. */
const soundStems =
  "laugh sigh music applau cheer chuckl gasp grunt groan moan scream shriek shout yell whisper cry cries sob sniff cough " +
  "sneez snor breath pant whimper giggl snicker scoff throat ring buzz beep bleep bark meow chirp rumbl thunder rain wind " +
  "door knock bang crash explo gun siren horn honk engine rev tire screech phone vibrat click clatter clink static crackl " +
  "hiss whoosh thud thump footstep crowd audience chatter indistinct inaudible unintelligible silen pause bell toll alarm " +
  "announc speak talk sing hum whistl chant play theme song melody tune instrumental foreign language tongue " +
  "ominous dramatic upbeat tense suspense jazz continu stop fade grumbl imitat mimic mutter mumbl exhal inhal heav " +
  "squeak creak slam rustl splash drip bird dog cat horse neigh wail howl roar growl snarl both all together " +
  "musik música musique musica muzyka muziek müzik música aplauso applaus risa rire risat gelächter lachen śmiech " +
  "музык смех аплодисмент вздох";
/** What may follow such a start: `laughs`, `laughter`, `chuckling`, `humming`; but not `Ringo`, `Allison`, `Singh`. */
const endings =
  "s es e ed d ing ring ging ting ning ping ming bing ling er ers ter ters ly le les led se sed sing sion sions y ous ic able ible ed ied ies st sts nt nts ts";
const stems = new RegExp(
  `^(?:${soundStems.split(" ").join("|")})(?:${endings.split(" ").join("|")})?[.,!]?$`,
  "iu",
);
const isSoundWord = (word: string) => stems.test(word) || /^\p{L}{3,}(?:ing|ando|iendo)$/iu.test(word);

/** Whether a text in round brackets is a tag: of a line's own, unless it is a sentence; in a line, only a sound. */
function isTag(text: string, isAlone: boolean): boolean {
  const words = text.split(/\s+/).filter(Boolean);
  if (words.some(isSoundWord) || (/\p{Lu}{3}/u.test(text) && text === text.toUpperCase()))
    return words.length <= 12;
  return isAlone && words.length <= 8 && !/[.!?…。！？]["'”’]?$/u.test(text);
}

/** Who speaks where a tag does not say a name. */
const someone =
  /^(?:(?:young|old|older|little|male|female|another|second|first) )?(?:man|woman|boy|girl|child|kid|narrator|reporter|host|announcer|officer|doctor|driver|teacher|guard|voice|computer|operator|newscaster|men|women|male|female)(?: #?\d{1,2})?$/iu;

/** A name at the start of a tag before a line: `JOHN`, `JOHN WHISPERING`, `man 2`; `null` if the tag names a sound. */
export function nameInTag(tag: string, isKnown: (name: string) => boolean): string | null {
  const words = tag.split(/[,:]/)[0]!.trim().split(" ");
  while (
    words.length > 1 &&
    (isSoundWord(words.at(-1)!) || /^(?:on|over|in|through|via|to|the|an?)$/i.test(words.at(-1)!))
  )
    words.pop();
  const name = words.join(" ");
  if (someone.test(name)) return name;
  if (words.length > 3 || words.some(isSoundWord) || !/^\p{Lu}[\p{L}\p{M}\p{N} ._'’#-]{1,29}$/u.test(name))
    return null;
  const isCapital = name === name.toUpperCase() && /\p{Lu}{2}/u.test(name);
  return isKnown(tag) || isKnown(name) || isCapital ? name : null;
}

const tagPattern =
  /\[([^[\]]{0,300})\]|［([^［］]{0,300})］|【([^【】]{0,300})】|\(([^()]{0,300})\)|（([^（）]{0,300})）/gu;

/** A text without its sound tags. Tags may go over lines; what stands before a line and is kept is a name in `[Name]`. */
export function withoutTags(text: string, isName: (tag: string) => boolean): string {
  return text.replace(tagPattern, (whole, ...parts: unknown[]) => {
    const groups = parts.slice(0, 5) as (string | undefined)[];
    const inside = groups
      .find((group) => group !== undefined)!
      .replace(/\s+/g, " ")
      .trim();
    const at = parts[5] as number;
    const rest = text.slice(at + whole.length, at + whole.length + 200).split("\n")[0]!;
    const isFirst = /(?:^|\n)[-–—\s>]*$/u.test(text.slice(Math.max(0, at - 8), at));
    if (isFirst && /[\p{L}\p{N}]/u.test(rest) && isName(inside)) return `[${inside}]`;
    const isSquare = groups[3] === undefined && groups[4] === undefined;
    const isAlone = isFirst && !/[\p{L}\p{N}]/u.test(rest);
    return isSquare || isTag(inside, isAlone) ? " " : whole;
  });
}

const notes = /[♪♫♩♬🎵🎶]|^[¶#](?=\s)|(?<=\s)[¶#]$/gu;

/** Lines of a cue without those that are sung, or stand for music: `♪` at one end, or from the first line to the last. */
export function withoutSongs(lines: readonly string[]): string[] {
  const isAllSung = /^[♪♫♩♬🎵🎶¶]/u.test(lines[0] ?? "") && /[♪♫♩♬🎵🎶¶]$/u.test(lines.at(-1) ?? "");
  return isAllSung ? [] : lines.filter((line) => !isSung(line));
}

const isSung = (line: string) => /^[♪♫♩♬🎵🎶¶]|[♪♫♩♬🎵🎶¶]$|^# .* #$/u.test(line);

export const withoutNotes = (line: string): string => line.replace(notes, "").replace(/\s+/g, " ").trim();

/** Whether a line has anything to say: a letter or a number. */
export const saysSomething = (line: string): boolean => /[\p{L}\p{N}]/u.test(line);
