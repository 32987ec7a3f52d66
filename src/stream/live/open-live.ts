/** Opens a URL or a capture device as a source: live, or a recording on the web. */
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isTaskMemError } from "../../errors.ts";
import { keepSecretsIn } from "../../util/secrets.ts";
import type { Source, SourceStatus } from "../clip.ts";
import { type MediaInfo, type MediaInput, probeMedia } from "../ffmpeg.ts";
import type { MediaSourceOptions } from "../files/media-source.ts";
import { textsOf } from "../texts/media-texts.ts";
import { Connection } from "./connection.ts";
import { type ConnectionProblem, withoutSecrets } from "./connection-problem.ts";
import { Hls } from "./hls.ts";
import { type LiveSourceOptions, type LiveSourceSetup, liveSource } from "./live-source.ts";
import { webSource } from "./web-source.ts";

/** Capture devices, by ffmpeg's own names. */
const devices = new Set(
  "v4l2 x11grab avfoundation dshow gdigrab kmsgrab fbdev alsa pulse jack oss sndio openal decklink android_camera lavfi".split(
    " ",
  ),
);

/** How a URL or a device is opened. */
export interface LiveChoice {
  /** Stream id. @default from the host and path, or the device */
  readonly id?: string;
  readonly live?: LiveSourceOptions;
  /** A source that never connected is given up after this; 0 waits for ever. Seconds. @default 30 */
  readonly connectTimeoutSeconds?: number | undefined;
  /** Fetches playlists and their texts. @default fetch */
  readonly fetch?: typeof fetch | undefined;
  /** Called with what becomes of the connection while it is opened. */
  readonly onStatus?: ((status: SourceStatus) => void) | undefined;
}

/** A capture device as ffmpeg names it, `v4l2:/dev/video0`, in its two parts; otherwise `null`. */
function deviceOf(spec: string): { format: string; name: string } | null {
  const [, format = "", name = ""] = /^([a-z0-9_]+):(.+)$/.exec(spec) ?? [];
  return devices.has(format) ? { format, name } : null;
}

/** Whether a source is a URL or a capture device, not a path. */
export const isLive = (spec: string): boolean =>
  deviceOf(spec) !== null || (/^[a-z][a-z0-9+.-]*:\/\//i.test(spec) && !spec.startsWith("file://"));

/** Opens a URL or a device, for which `isLive` holds. @throws DataError if a recording cannot be read */
export async function openLive(spec: string, options: LiveChoice, common: Common): Promise<Source> {
  const device = deviceOf(spec);
  return device ? deviceSource(device.format, device.name, options, common) : openUrl(spec, options, common);
}

type Common = Omit<MediaSourceOptions, "id" | "description">;

async function openUrl(url: string, options: LiveChoice, common: Common): Promise<Source> {
  keepSecretsIn(url);
  const shown = withoutSecrets(url);
  const stallMs = options.live?.stallMs ?? 15_000;
  const isWeb = /^https?:/i.test(url);
  const input: MediaInput = {
    url,
    args: [
      ...(/^rtsps?:/i.test(url) ? ["-rtsp_transport", "tcp"] : []),
      ...(isWeb ? ["-rw_timeout", String(stallMs * 1000)] : []),
    ],
    name: shown,
    remote: { url, device: null },
  };
  const { host, pathname } = new URL(url);
  const id =
    options.id ?? ([host.replace(/:/g, "-"), basename(pathname)].filter(Boolean).join("-") || "live");
  const source = { ...common, id, description: shown };
  if (!isWeb) return liveSource(input, liveOptions(options, source));
  const web = { input, url, id, options, common };
  const { info, hls } = await probed(web);
  if (info.durationSeconds !== null) return webSource(input, info, hls, source);
  const { texts, leftOut } = await textsOf(null, info, { languages: common.languages });
  return liveSource(input, {
    ...liveOptions(options, source),
    hls,
    originMs: hls?.startMs ?? Math.round(Date.now() - info.originSeconds * 1000),
    ...(hls?.hasTexts ? { leftOut: hls.leftOut } : { texts, leftOut: [...leftOut, ...(hls?.leftOut ?? [])] }),
    wasConnected: true,
    ...(hls && {
      openRecording: async () => {
        const ended = await probed(web, true);
        return webSource(input, ended.info, ended.hls, source);
      },
    }),
  });
}

/** Of a broadcast little is looked at: what is looked at longer is over when it is watched. */
const hastily = (input: MediaInput): MediaInput => ({
  ...input,
  args: ["-analyzeduration", "1000000", ...input.args],
});

/** A URL of the web, before anything is known of it. */
interface Web {
  readonly input: MediaInput;
  readonly url: string;
  /** Stream id. */
  readonly id: string;
  readonly options: LiveChoice;
  readonly common: Common;
}

/**
 * What is at a URL, tried until there is an answer or the time is over. A stream cannot be opened twice, so only what
 * may be a recording is probed.
 * @throws DataError `source-down`
 */
async function probed(
  { input, url, id, options, common }: Web,
  wasConnected = false,
): Promise<{ info: MediaInfo; hls: Hls | null }> {
  const { live = {}, connectTimeoutSeconds, onStatus, fetch } = options;
  const { languages, subtitles } = common;
  const { remindMs, reconnectMs = 1000 } = live;
  using connection = new Connection({
    ...{ stream: id, name: input.name, connectTimeoutSeconds, wasConnected, remindMs, onStatus },
    signal: common.signal,
  });
  const { signal } = connection;
  const openHls = () => Hls.open(url, { languages, wantsTexts: subtitles === undefined, fetch, signal });
  for (let failures = 0; ; failures++) {
    try {
      const listed = /\.m3u8?($|\?)/i.test(url) ? await openHls() : null;
      const info = await probeMedia(listed?.isLive ? hastily(input) : input, signal);
      const hls = info.format === "hls" ? (listed ?? (await openHls())) : null;
      connection.up();
      return { info, hls };
    } catch (error) {
      signal.throwIfAborted();
      if (!isTaskMemError(error, "media-unreadable")) throw error;
      const { reason, isLasting } = error.details as Partial<ConnectionProblem>;
      connection.failed({ reason: reason ?? "ffmpeg cannot read it", isLasting: isLasting ?? false });
      await pause(Math.min(30_000, reconnectMs * 2 ** failures), signal);
    }
  }
}

/** Waits. @throws the signal's reason when aborted */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
}

function deviceSource(format: string, name: string, options: LiveChoice, common: Common): Source {
  const description = `${format}:${name}`;
  const id = options.id ?? description.replace(/[^\w.-]+/g, "-");
  const remote = { url: name, device: format };
  const input = { url: name, args: ["-f", format], name: description, remote };
  return liveSource(input, liveOptions(options, { ...common, id, description }));
}

function liveOptions(
  { live, connectTimeoutSeconds }: LiveChoice,
  { id, description, clipSeconds, frames }: MediaSourceOptions,
): LiveSourceSetup {
  return { id, description, clipSeconds, frames, connectTimeoutSeconds, ...live };
}
