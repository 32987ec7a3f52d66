/**
 * Reads Matroska as ffmpeg writes it to a pipe: packets with their times, in order, in constant memory.
 *
 * It understands only what ffmpeg's muxer writes to a pipe (no lacing, no encryption, no cues) and skips everything
 * else. Matroska is used because each packet carries its own time, to the millisecond, and because one pipe with
 * interleaved tracks cannot deadlock.
 */
import { DataError } from "../errors.ts";

/** A track of the output. */
export interface MatroskaTrack {
  /** From 1, in the order of ffmpeg's `-map`. */
  readonly number: number;
  /** Matroska's codec id: `V_MJPEG`, `V_UNCOMPRESSED`, `A_PCM/INT/LIT`, `S_TEXT/UTF8`. */
  readonly codec: string;
  readonly width: number;
  readonly height: number;
}

/** A packet of one track. */
export interface MatroskaPacket {
  readonly track: MatroskaTrack;
  readonly atSeconds: number;
  readonly durationSeconds: number | null;
  /** A view that is valid until the next `read`. */
  readonly data: Buffer;
}

const ids = {
  segment: 0x18538067,
  cluster: 0x1f43b675,
  clusterTimestamp: 0xe7,
  simpleBlock: 0xa3,
  blockGroup: 0xa0,
  block: 0xa1,
  blockDuration: 0x9b,
  tracks: 0x1654ae6b,
  trackEntry: 0xae,
  trackNumber: 0xd7,
  codecId: 0x86,
  video: 0xe0,
  pixelWidth: 0xb0,
  pixelHeight: 0xba,
} as const;

interface Element {
  readonly id: number;
  readonly bodyStart: number;
  /** `null` if the size is unknown: a master element that ends where the next one starts. */
  readonly size: number | null;
}

/** Reads Matroska from chunks of bytes. */
export class MatroskaReader {
  #pending: Buffer = Buffer.alloc(0);
  #clusterMs = 0;
  readonly #tracks = new Map<number, MatroskaTrack>();

  /** Packets completed by these bytes. @throws DataError if they are not Matroska */
  read(chunk: Buffer): MatroskaPacket[] {
    const bytes = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    const packets: MatroskaPacket[] = [];
    let at = 0;
    for (;;) {
      const element = elementAt(bytes, at);
      if (element === null) break;
      const { id, bodyStart, size } = element;
      if (id === ids.segment || id === ids.cluster) {
        at = bodyStart; // their children follow one by one
        continue;
      }
      if (size === null)
        throw new DataError("decode-failed", "ffmpeg's output is not Matroska: an element has no end.");
      if (bodyStart + size > bytes.length) break;
      const body = bytes.subarray(bodyStart, bodyStart + size);
      at = bodyStart + size;
      if (id === ids.tracks) this.#readTracks(body);
      else if (id === ids.clusterTimestamp) this.#clusterMs = unsigned(body);
      else if (id === ids.simpleBlock) packets.push(this.#packet(body, null));
      else if (id === ids.blockGroup) {
        const block = child(body, ids.block);
        const duration = child(body, ids.blockDuration);
        if (block) packets.push(this.#packet(block, duration ? unsigned(duration) / 1000 : null));
      }
    }
    this.#pending = bytes.subarray(at);
    return packets;
  }

  #readTracks(body: Buffer): void {
    for (const { id, data } of children(body)) {
      if (id !== ids.trackEntry) continue;
      const video = child(data, ids.video);
      const size = (which: number) => (video ? unsigned(child(video, which) ?? Buffer.alloc(0)) : 0);
      const trackNumber = child(data, ids.trackNumber);
      const codec = child(data, ids.codecId);
      if (!trackNumber || !codec)
        throw new DataError("decode-failed", "ffmpeg's Matroska output has a track without number or codec.");
      const number = unsigned(trackNumber);
      this.#tracks.set(number, {
        number,
        codec: codec.toString("latin1"),
        width: size(ids.pixelWidth),
        height: size(ids.pixelHeight),
      });
    }
  }

  #packet(block: Buffer, durationSeconds: number | null): MatroskaPacket {
    const number = variableInteger(block, 0);
    const track = this.#tracks.get(number?.value ?? -1);
    if (!number || !track || block.length < number.length + 3)
      throw new DataError("decode-failed", "ffmpeg's Matroska output has a block of no track.");
    const ms = this.#clusterMs + block.readInt16BE(number.length);
    return { track, atSeconds: ms / 1000, durationSeconds, data: block.subarray(number.length + 3) };
  }
}

function elementAt(bytes: Buffer, at: number): Element | null {
  const first = bytes[at];
  if (first === undefined) return null;
  const idLength = Math.clz32(first) - 23;
  if (idLength > 4) throw new DataError("decode-failed", "ffmpeg's output is not Matroska.");
  if (at + idLength >= bytes.length) return null;
  const size = variableInteger(bytes, at + idLength);
  if (size === null) return null;
  return {
    id: bytes.readUIntBE(at, idLength),
    bodyStart: at + idLength + size.length,
    size: size.value,
  };
}

/** A length-prefixed integer; all ones mean "unknown". */
function variableInteger(bytes: Buffer, at: number): { value: number | null; length: number } | null {
  const first = bytes[at];
  if (first === undefined) return null;
  const length = Math.clz32(first) - 23;
  if (length > 8) throw new DataError("decode-failed", "ffmpeg's output is not Matroska.");
  if (at + length > bytes.length) return null;
  let value = first & (0xff >> length);
  let isUnknown = value === 0xff >> length;
  for (let i = 1; i < length; i++) {
    isUnknown &&= bytes[at + i] === 0xff;
    value = value * 256 + bytes[at + i]!;
  }
  return { value: isUnknown ? null : value, length };
}

function* children(body: Buffer): Generator<{ id: number; data: Buffer }> {
  let at = 0;
  for (let element = elementAt(body, at); element !== null; element = elementAt(body, at)) {
    at = element.bodyStart + (element.size ?? 0);
    yield { id: element.id, data: body.subarray(element.bodyStart, at) };
  }
}

function child(body: Buffer, id: number): Buffer | undefined {
  for (const element of children(body)) if (element.id === id) return element.data;
  return undefined;
}

function unsigned(bytes: Buffer): number {
  let value = 0;
  for (const byte of bytes) value = value * 256 + byte;
  return value;
}
