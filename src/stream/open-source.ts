/** Opens what a user names as a source: a file, a folder, a URL, a capture device, or texts. */
import { readdir, stat } from "node:fs/promises";
import { extname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ConfigError, DataError } from "../errors.ts";
import { defaultClipSeconds, type Source } from "./clip.ts";
import { defaultFrames } from "./ffmpeg.ts";
import { fileSource, filesSource, idOfPath } from "./media-source.ts";
import { isLive, type LiveChoice, openLive } from "./open-live.ts";
import { textSource } from "./text-source.ts";
import { textExtensions } from "./texts.ts";

/** How a source is cut into clips, and what is read of it. */
export interface SourceOptions {
  /** Stream id. @default from the source's name */
  readonly id?: string;
  /** Length of a clip in seconds. @default 10 */
  readonly clipSeconds?: number;
  /** Frames per second a policy sees. @default 1 */
  readonly fps?: number;
  /** Box those frames are fitted into, in pixels. @default 448 × 252 */
  readonly width?: number;
  readonly height?: number;
  /** Whether frames also come within 1280 × 720, to read text in them. @default false */
  readonly largeFrames?: boolean;
  /** Languages of texts to keep, best first, as BCP 47 tags; an empty list keeps all. */
  readonly languages?: readonly string[];
  /** Subtitle file to use instead of those beside or inside the medium. */
  readonly subtitles?: string | undefined;
  /** What the lines of texts are. @default as the files' names say, otherwise speech */
  readonly textKind?: "speech" | "caption" | undefined;
  /** How a live source reconnects, and how many clips may wait. */
  readonly live?: NonNullable<LiveChoice["live"]>;
  /** A live source that never connected is given up after this; 0 waits for ever. Seconds. @default 30 */
  readonly connectTimeoutSeconds?: number;
  /** Called with what keeps a live source from connecting while it is opened. */
  readonly onStatus?: LiveChoice["onStatus"];
  readonly signal?: AbortSignal | undefined;
}

const mediaExtensions = new Set(
  (
    ".mp4 .m4v .mov .mkv .webm .avi .mpg .mpeg .m2v .ts .mts .m2ts .flv .wmv .asf .ogv .ogg .3gp .3g2 .vob .mxf .y4m " +
    ".wav .mp3 .m4a .aac .flac .opus .oga .wma .aiff .amr"
  ).split(" "),
);

/**
 * Opens paths, URLs or a device as a source; several paths make one stream.
 * @throws DataError for a missing or unreadable source; ConfigError for sources that cannot be combined
 */
export async function openSource(
  spec: string | readonly string[],
  options: SourceOptions = {},
): Promise<Source> {
  const specs = typeof spec === "string" ? [spec] : spec;
  const [first] = specs;
  if (first === undefined)
    throw new ConfigError(
      "source-missing",
      "There is no source to watch. Name a file, a folder, a URL or a device.",
    );
  const {
    clipSeconds = defaultClipSeconds,
    languages = [],
    subtitles,
    signal,
    largeFrames = false,
  } = options;
  const { fps, width, height } = { ...defaultFrames, ...options };
  const common = { clipSeconds, languages, subtitles, signal, frames: { fps, width, height, largeFrames } };

  if (isLive(first)) {
    if (specs.length > 1) {
      throw new ConfigError(
        "sources-mixed",
        `Expected one live source, got ${specs.length}. Watch each as its own stream.`,
      );
    }
    return openLive(first, options, common);
  }

  const paths = specs.map((path) => resolve(path.startsWith("file://") ? fileURLToPath(path) : path));
  const [place] = paths as [string];
  const description = paths.join(", ");
  const id = options.id ?? idOfPath(place);
  const { files, isFolder } = await filesOf(paths);
  const texts = files.filter(isText);
  const media = files.filter((path) => !isText(path));
  if (media.length === 0)
    return textSource(texts, { id, description, clipSeconds, languages, kind: options.textKind });
  if (texts.length > 0 && !isFolder) {
    throw new ConfigError(
      "sources-mixed",
      "Expected media or texts, got both. Put the texts of a medium beside it, or name them with --subtitles.",
    );
  }
  if (media.length === 1 && !isFolder) return fileSource(place, { ...common, id, description });
  if (subtitles !== undefined) {
    throw new ConfigError(
      "sources-mixed",
      "Expected one medium for --subtitles, got several. Put subtitles beside each.",
    );
  }
  return filesSource(media, { ...common, id, description });
}

const isText = (path: string) => textExtensions.has(extname(path).toLowerCase());
const naturally = new Intl.Collator("en", { numeric: true });

/** The named files, and files of media or texts in the named folders, subfolders included. */
async function filesOf(paths: readonly string[]): Promise<{ files: string[]; isFolder: boolean }> {
  const files: string[] = [];
  let isFolder = false;
  for (const path of paths) {
    const info = await stat(path).catch((cause: NodeJS.ErrnoException) => {
      throw new DataError(
        "file-missing",
        `There is no file or folder at ${path} that can be opened: ${cause.code}.`,
        {
          cause,
          details: { path },
        },
      );
    });
    if (!info.isDirectory()) {
      if (info.isFile() && info.size === 0) {
        throw new DataError("file-empty", `The file ${path} is empty.`, {
          details: { path },
        });
      }
      files.push(path);
      continue;
    }
    isFolder = true;
    const found = (await readdir(path, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile() && !entry.name.startsWith("."))
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((file) => isText(file) || mediaExtensions.has(extname(file).toLowerCase()))
      .sort(naturally.compare);
    if (found.length === 0) {
      throw new DataError("folder-empty", `There are no media or texts (SRT, VTT, JSONL) in ${path}.`, {
        details: { path },
      });
    }
    files.push(...found);
  }
  return { files, isFolder };
}
