/** Which texts belong to a recorded medium: named subtitles, files beside it, tracks inside it. */
import type { Cue } from "./clip.ts";
import type { MediaInfo, TextTrack } from "./ffmpeg.ts";
import type { MediaTexts } from "./recorded.ts";
import { CueReader } from "./subtitles/cue-reader.ts";
import { bestLanguage, readSidecars, readTexts } from "./texts.ts";

/** What the user wants of the texts. */
export interface MediaTextOptions {
  readonly languages: readonly string[];
  /** Subtitle file to use instead of those beside or inside the medium. */
  readonly subtitles?: string | undefined;
}

/**
 * The texts of a medium: the named subtitles, otherwise speech beside it, otherwise speech inside it; captions beside
 * it in any case. `path` is `null` for a medium that no file can lie beside.
 */
export async function textsOf(
  path: string | null,
  info: MediaInfo,
  { subtitles, languages }: MediaTextOptions,
): Promise<{ texts: MediaTexts; problems: readonly string[] }> {
  const beside = path === null ? { cues: [], problems: [] } : await readSidecars(path, languages);
  const named = subtitles === undefined ? null : await readTexts(subtitles, { origin: "sidecar", languages });
  const cues: readonly Cue[] = named
    ? [...named.cues, ...beside.cues.filter(({ kind }) => kind !== "speech")]
    : beside.cues;
  const embedded = embeddedTexts(info, languages);
  const tracks = named || cues.some(({ kind }) => kind === "speech") ? [] : embedded.tracks;
  return { texts: { ...embedded, cues, tracks }, problems: [...(named?.problems ?? []), ...beside.problems] };
}

function embeddedTexts(info: MediaInfo, languages: readonly string[]): MediaTexts {
  const inOrder = [...info.texts].sort((a, b) => Number(b.isDefault) - Number(a.isDefault));
  return {
    cues: [],
    tracks: bestLanguage<TextTrack>(inOrder, ({ language }) => language, languages),
    readerOf: ({ language }) => new CueReader({ kind: "speech", origin: "embedded", language, languages }),
  };
}
