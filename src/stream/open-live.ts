/** Opens a URL or a capture device as a source: live, or a recording on the web. */
import { basename } from "node:path";
import type { Source } from "./clip.ts";
import { type MediaInput, probeMedia } from "./ffmpeg.ts";
import { type LiveSourceOptions, liveSource } from "./live-source.ts";
import { type MediaSourceOptions, urlSource } from "./media-source.ts";

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
  readonly live?: Pick<LiveSourceOptions, "stallMs" | "reconnectMs" | "maxReconnects" | "queueClips">;
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
  const shown = withoutSecrets(url);
  const input: MediaInput = {
    url,
    args: /^rtsps?:/i.test(url) ? ["-rtsp_transport", "tcp"] : [],
    name: shown,
  };
  const isPlaylist = /\.m3u8?($|\?)/i.test(url);
  const { host, pathname } = new URL(url);
  const id =
    options.id ?? ([host.replace(/:/g, "-"), basename(pathname)].filter(Boolean).join("-") || "live");
  const isWeb = /^https?:/i.test(url);
  // A stream cannot be opened twice, so only what may be a recording is probed first.
  if (isWeb) {
    const info = await probeMedia(input, common.signal);
    if (info.durationSeconds !== null) return urlSource(input, info, { ...common, id, description: shown });
  }
  const source = { id, description: shown, clipSeconds: common.clipSeconds, frames: common.frames };
  return liveSource(input, { ...source, endsCleanly: isPlaylist, ...options.live });
}

function deviceSource(format: string, name: string, options: LiveChoice, common: Common): Source {
  const description = `${format}:${name}`;
  const id = options.id ?? description.replace(/[^\w.-]+/g, "-");
  return liveSource(
    { url: name, args: ["-f", format], name: description },
    { id, description, clipSeconds: common.clipSeconds, frames: common.frames, ...options.live },
  );
}

/** A URL that may be shown and stored: without user, password and query, which may hold a token. */
function withoutSecrets(url: string): string {
  const parsed = new URL(url);
  parsed.username = "";
  parsed.password = "";
  parsed.search = "";
  return parsed.href;
}
