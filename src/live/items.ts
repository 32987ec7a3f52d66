/** What can be pushed: texts, pictures and sound, each with its time. `timedItem` checks one. */
import { DataError } from "../errors.ts";
import { sampleRate } from "../stream/clip-cutter.ts";
import { jpegSize } from "../stream/jpeg.ts";
import { oneLine, plainText } from "../util/plain-text.ts";
import type { Clock } from "../util/time.ts";

/** When an item happened: wall time, or stream time. @default now */
export interface PushTime {
  /** Wall time; only on a stream with a wall clock. */
  readonly atMs?: number;
  /** Seconds of stream time, from 0 up. */
  readonly atSeconds?: number;
  /** Id of the item: pushing it again changes nothing. */
  readonly id?: string;
}

/** A text: speech, a sentence about the picture, or text on a screen. */
export interface PushedText extends PushTime {
  readonly text: string;
  /** Who said it. @default null */
  readonly speaker?: string | null;
  /** @default "speech" */
  readonly kind?: "speech" | "caption" | "screen";
  /** @default the item's own time */
  readonly endSeconds?: number;
}

/** A picture. The policy sees it as it is, so about 448 × 252 pixels are enough. */
export interface PushedPicture extends PushTime {
  readonly jpeg: Uint8Array;
}

/** Mono sound at 16 kHz that starts at the item's time. It is transcribed if a transcriber is configured. */
export interface PushedSound extends PushTime {
  readonly pcm16: Int16Array;
}

/** An item to push: a text, a picture or a sound. */
export type PushItem = PushedText | PushedPicture | PushedSound;

/** An item that was checked, with its stream time. */
export interface TimedItem {
  readonly id: string | null;
  readonly atSeconds: number;
  readonly endSeconds: number;
  readonly content:
    | {
        readonly kind: "speech" | "caption" | "screen";
        readonly text: string;
        readonly speaker: string | null;
      }
    | { readonly kind: "picture"; readonly jpeg: Uint8Array; readonly width: number; readonly height: number }
    | { readonly kind: "sound"; readonly samples: Int16Array };
}

/** An item with its time in seconds of stream time, checked. @throws DataError `item-invalid` */
export function timedItem(
  item: PushItem,
  { nowMs, clock, place }: { readonly nowMs: number; readonly clock: Clock; readonly place: number },
): TimedItem {
  const refuse = (message: string) =>
    new DataError("item-invalid", `Item ${place + 1} cannot be kept: ${message}`, { details: { place } });
  if (typeof item !== "object" || item === null) throw refuse(`expected an object, got ${typeof item}`);
  const unknown = Object.keys(item).find((key) => !itemKeys.includes(key));
  if (unknown !== undefined) throw refuse(`unknown key \`${unknown}\`; the keys are ${itemKeys.join(", ")}`);
  const atSeconds = secondsOf(item, nowMs, clock, refuse);
  const latest = Math.max(Math.abs(atSeconds), ("endSeconds" in item && item.endSeconds) || 0);
  if (latest > farthestSeconds && latest < Number.POSITIVE_INFINITY)
    throw refuse(`expected a time within ${farthestSeconds} s of the stream's beginning, got ${latest}`);
  const { id = null } = item;
  if (id !== null && (typeof id !== "string" || id === "")) throw refuse("expected `id` to be a text");
  if ("text" in item) {
    const { kind = "speech", endSeconds = atSeconds } = item;
    const text = typeof item.text === "string" ? plainText(item.text) : "";
    const speaker = typeof item.speaker === "string" ? oneLine(item.speaker) || null : (item.speaker ?? null);
    if (text.trim() === "") throw refuse("expected `text` to hold some text");
    if (!["speech", "caption", "screen"].includes(kind))
      throw refuse(`expected \`kind\` to be speech, caption or screen, got ${kind}`);
    if (speaker !== null && typeof speaker !== "string")
      throw refuse(`expected \`speaker\` to be a text or null, got ${typeof speaker}`);
    if (!(endSeconds >= atSeconds && Number.isFinite(endSeconds)))
      throw refuse(`expected \`endSeconds\` from ${atSeconds} up, got ${endSeconds}`);
    return { id, atSeconds, endSeconds, content: { kind, text, speaker } };
  }
  if ("jpeg" in item) {
    const size = jpegSize(item.jpeg);
    if (size === null) throw refuse("expected `jpeg` to be the bytes of a JPEG picture");
    return { id, atSeconds, endSeconds: atSeconds, content: { kind: "picture", jpeg: item.jpeg, ...size } };
  }
  if ("pcm16" in item) {
    const samples = item.pcm16;
    if (!(samples instanceof Int16Array) || samples.length === 0)
      throw refuse("expected `pcm16` to be an Int16Array of mono sound at 16 kHz");
    const endSeconds = atSeconds + samples.length / sampleRate;
    return { id, atSeconds, endSeconds, content: { kind: "sound", samples } };
  }
  throw refuse("expected `text`, `jpeg` or `pcm16`");
}

/** How far from the beginning of a stream an item may be: three centuries. Dates beyond some of them cannot be written. */
const farthestSeconds = 1e10;

const itemKeys = ["id", "atMs", "atSeconds", "text", "speaker", "kind", "endSeconds", "jpeg", "pcm16"];

function secondsOf(
  { atMs, atSeconds }: PushTime,
  nowMs: number,
  clock: Clock,
  refuse: (message: string) => DataError,
): number {
  if (atMs !== undefined && atSeconds !== undefined) throw refuse("give `atMs` or `atSeconds`, not both");
  if (atSeconds === undefined && clock.kind !== "wall")
    throw refuse(`the stream has a ${clock.kind} clock: give \`atSeconds\``);
  if (atMs !== undefined && clock.kind !== "wall")
    throw refuse(`the stream has a ${clock.kind} clock: give \`atSeconds\` instead of \`atMs\``);
  if (atSeconds !== undefined) {
    if (Number.isFinite(atSeconds) && atSeconds >= 0) return atSeconds;
    throw refuse(`expected \`atSeconds\` from 0 up, got ${atSeconds}`);
  }
  if (atMs !== undefined && !Number.isFinite(atMs))
    throw refuse(`expected \`atMs\` to be a number, got ${atMs}`);
  // Below 0 before the stream's beginning, which is allowed.
  return ((atMs ?? nowMs) - (clock as { readonly originMs: number }).originMs) / 1000;
}
