/** Opens what a user names as a source: a file, a folder, a URL, a capture device, or texts. */
import { existsSync } from "node:fs";
import { dirname, extname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ConfigError, DataError } from "../errors.ts";
import { defaultClipSeconds, type LeftOut, type Source, type SourceStatus } from "./clip.ts";
import { defaultFrames } from "./ffmpeg.ts";
import { byCamera } from "./files/cameras.ts";
import { type FoundFile, type FoundFiles, findFiles, isText } from "./files/found-files.ts";
import { addressed, type IdentifiedFile, identify } from "./files/known-files.ts";
import {
  fileSource,
  filesSource,
  idOfPath,
  lengthOf,
  type MediaSourceOptions,
} from "./files/media-source.ts";
import { textSource } from "./files/text-source.ts";
import { withoutSecrets } from "./live/connection-problem.ts";
import type { LiveSourceOptions } from "./live/live-source.ts";
import { isLive, openLive } from "./live/open-live.ts";
import { textsOfFolder } from "./texts/text-candidates.ts";
import { isWebAddress } from "./texts/texts.ts";

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
  /** The sides of frames are multiples of this many pixels, an even number. @default 2 */
  readonly multiple?: number;
  /** Whether frames also come within 3840 × 2160, to read text in them. @default false */
  readonly largeFrames?: boolean;
  /** Languages of texts to keep, best first, as BCP 47 tags; an empty list keeps all. */
  readonly languages?: readonly string[];
  /** Subtitle file or http URL to use instead of those beside or inside the medium. */
  readonly subtitles?: string | undefined;
  /** What the lines of texts are. @default as the files' names say, otherwise speech */
  readonly textKind?: "speech" | "caption" | undefined;
  /** How a live source reconnects, and how many clips may wait. */
  readonly live?: LiveSourceOptions;
  /** A live source that never connected is given up after this; 0 waits for ever. Seconds. @default 30 */
  readonly connectTimeoutSeconds?: number;
  /** Fetches playlists and their texts. @default fetch */
  readonly fetch?: typeof fetch;
  /** Called with what keeps a live source from connecting while it is opened. */
  readonly onStatus?: ((status: SourceStatus) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens paths, URLs or a device as a source; several paths make one stream.
 * @throws DataError for a missing or unreadable source; ConfigError for sources that cannot be combined, and for a folder
 * of several cameras that recorded at the same time
 */
export async function openSource(
  spec: string | readonly string[],
  options: SourceOptions = {},
): Promise<Source> {
  const [source, ...others] = await openSources(spec, options);
  if (others.length === 0) return source!;
  const names = [source!, ...others].map(({ id }) => id).join(", ");
  throw new ConfigError(
    "sources-mixed",
    `Expected one stream, got those of ${others.length + 1} cameras: ${names}. Open them with \`openSources\`, or name the files of one.`,
  );
}

/**
 * Opens paths, URLs or a device as sources: one, or of a folder in which several cameras recorded at the same time, one
 * for each.
 * @throws DataError for a missing or unreadable source; ConfigError for sources that cannot be combined
 */
export async function openSources(
  spec: string | readonly string[],
  options: SourceOptions = {},
): Promise<Source[]> {
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
  const { fps, width, height, multiple } = { multiple: 2, ...defaultFrames, ...options };
  const common = {
    clipSeconds,
    languages,
    subtitles,
    signal,
    frames: { fps, width, height, multiple, largeFrames },
  };

  if (isTextAddress(first) && specs.length === 1) {
    const { pathname } = new URL(first);
    const about = { id: options.id ?? idOfPath(pathname), description: withoutSecrets(first) };
    const text = { ...about, clipSeconds, languages, kind: options.textKind, isFolder: false };
    return [await textSource([addressed(first)], text)];
  }
  if (isElsewhere(first)) {
    if (specs.length > 1) {
      throw new ConfigError(
        "sources-mixed",
        `Expected one live source, got ${specs.length}. Watch each as its own stream.`,
      );
    }
    return [await openLive(first, options, common)];
  }

  const paths = specs.map((path) => resolve(path.startsWith("file://") ? fileURLToPath(path) : path));
  const [place] = paths as [string];
  const description = paths.join(", ");
  const id = options.id ?? idOfPath(place);
  const otherIds = options.id === undefined ? longerIds(id, place) : [];
  const found = await findFiles(paths);
  const { files, isFolder } = found;
  const texts = files.filter(({ path }) => isText(path));
  const media = files.filter(({ path }) => !isText(path));
  const leftOut = leftOutOf(found, media, texts);
  if (media.length === 0) {
    const paths = texts.map(({ path }) => path);
    const chosen = isFolder ? await textsOfFolder(paths, languages) : { paths, leftOut: [] };
    if (chosen.paths.length === 0) throw nothingIn(description, [...leftOut, ...chosen.leftOut]);
    const wanted = new Set(chosen.paths);
    const identified = await identify(
      texts.filter(({ path }) => wanted.has(path)),
      files,
    );
    const text = await textSource(identified.files, {
      ...{ id, otherIds, description, clipSeconds, languages, isFolder, kind: options.textKind },
      leftOut: [...leftOut, ...chosen.leftOut, ...identified.leftOut],
    });
    return [text];
  }
  if (texts.length > 0 && !isFolder) {
    throw new ConfigError(
      "sources-mixed",
      "Expected media or texts, got both. Put the texts of a medium beside it, or name them with --subtitles.",
    );
  }
  if (subtitles !== undefined && (media.length > 1 || isFolder)) {
    throw new ConfigError(
      "sources-mixed",
      "Expected one medium for --subtitles, got several. Put subtitles beside each.",
    );
  }
  const identified = await identify(media, files);
  const about = { ...common, id, otherIds, description, leftOut: [...leftOut, ...identified.leftOut] };
  if (media.length === 1 && !isFolder) return [await fileSource(identified.files[0]!, about)];
  if (!isFolder) return [await filesSource(identified.files, about)];
  return sourcesByCamera(identified.files, about);
}

async function sourcesByCamera(
  files: readonly IdentifiedFile[],
  about: MediaSourceOptions,
): Promise<Source[]> {
  const { id, otherIds = [], description, leftOut = [] } = about;
  const cameras = await byCamera(files, (file) => lengthOf(file, about.signal));
  const sources: Source[] = [];
  for (const { label, files: own } of cameras) {
    const named = (base: string) => (label === "" ? base : `${base}-${label}`);
    const camera = {
      id: named(id),
      // A camera that was the only one when the folder was first watched keeps the folder's name.
      otherIds: [...otherIds.map(named), ...(label === "" ? [] : [id])],
      description: label === "" ? description : `${description} (${label})`,
      leftOut: sources.length === 0 ? leftOut : [],
    };
    sources.push(await filesSource(own, { ...about, ...camera }));
  }
  return sources;
}

/** Ids for a source whose name another one has taken: with the folders that it lies in. */
function longerIds(id: string, path: string): string[] {
  const folders = dirname(path)
    .split(/[\\/]/)
    .filter((folder) => folder !== "");
  return folders.slice(-3).map((_, i, last) => [id, ...last.slice(last.length - 1 - i)].join("-"));
}

/** Whether a source is a text on the web, told by its extension. */
const isTextAddress = (spec: string) => isWebAddress(spec) && isText(new URL(spec).pathname);

/** Whether a source is named that is no file, though a file may be named like a device: `lavfi:x.mp4`. */
const isElsewhere = (spec: string) => isLive(spec) && !existsSync(resolve(spec));

/** What of the files found is not watched. */
function leftOutOf(
  { unread, leftOut }: FoundFiles,
  media: readonly FoundFile[],
  texts: readonly FoundFile[],
) {
  const stems = media.map(({ path }) => path.slice(0, path.length - extname(path).length));
  const belongs = ({ path }: FoundFile) => stems.some((stem) => path.startsWith(`${stem}.`));
  const alone = media.length === 0 ? [] : texts.filter((text) => !belongs(text)).map(({ name }) => name);
  return [
    ...leftOut,
    ...named(unread, "in a format that is not read", "in formats that are not read"),
    ...named(
      alone,
      "a text beside media none of which has its name",
      "texts beside media none of which has their names",
      " Name a text as its medium, or watch it by itself.",
    ),
  ];
}

/** One item for all of a kind: a folder may hold thousands. */
function named(names: readonly string[], one: string, many: string, wayOut = ""): LeftOut[] {
  if (names.length === 0) return [];
  const [first] = names as [string];
  if (names.length === 1) return [{ kind: "file", name: first, reason: `${first} is ${one}.${wayOut}` }];
  const shown = names.slice(0, mostNamed).join(", ") + (names.length > mostNamed ? ", …" : "");
  return [{ kind: "file", name: null, reason: `${names.length} files are ${many}: ${shown}.${wayOut}` }];
}

const mostNamed = 5;

function nothingIn(path: string, leftOut: readonly LeftOut[]): DataError {
  const why = leftOut.map(({ reason }) => ` ${reason}`).join("");
  return new DataError("folder-empty", `There are no media and no texts with times in ${path}.${why}`, {
    details: { path },
  });
}
