/** Items that are pushed over the network, as JSON. */
import { z } from "zod";
import { ConfigError } from "../errors.ts";
import type { PushItem } from "../live/items.ts";

const time = {
  at: z.iso.datetime({ offset: true }).optional(),
  atSeconds: z.number().min(0).optional(),
  id: z.string().min(1).max(200).optional(),
};
/** What is pushed in one request. */
export const pushedShape = z.strictObject({
  items: z
    .array(
      z.union([
        z.strictObject({
          ...{ ...time, text: z.string().min(1).max(10_000), endSeconds: z.number().min(0).optional() },
          speaker: z.string().max(200).optional(),
          kind: z.enum(["speech", "caption", "screen"]).optional(),
        }),
        z.strictObject({ ...time, jpeg: z.base64().max(8_000_000) }),
        z.strictObject({
          ...time,
          pcm16: z.base64().max(8_000_000).describe("mono sound at 16 kHz, 16 bits, little-endian"),
        }),
      ]),
    )
    .min(1)
    .max(256),
});

/** What the server answers, when they are on disk: a receipt for each item. */
export const receiptsShape = z.object({
  items: z.array(
    z.object({
      clip: z.int().describe("number of the clip it belongs to"),
      late: z.boolean().describe("whether its own time was already decided: it is then in a later clip"),
      duplicate: z.boolean().describe("whether an item with its id was pushed before"),
    }),
  ),
});

/** Reads `{ items: [...] }`. @throws ConfigError `input-invalid` */
export function pushedItems(given: unknown): PushItem[] {
  const parsed = pushedShape.safeParse(given);
  if (!parsed.success)
    throw new ConfigError("input-invalid", `Expected items to push, got ${z.prettifyError(parsed.error)}`);
  return parsed.data.items.map(({ at, ...item }) => {
    const when = at === undefined ? {} : { atMs: Date.parse(at) };
    const rest = Object.fromEntries(Object.entries(item).filter(([, value]) => value !== undefined));
    const bytes = "jpeg" in item ? item.jpeg : "pcm16" in item ? item.pcm16 : "";
    const decoded = Buffer.from(bytes, "base64");
    const content = "jpeg" in item ? { jpeg: decoded } : "pcm16" in item ? { pcm16: samplesOf(decoded) } : {};
    return { ...rest, ...content, ...when } as PushItem;
  });
}

/** Samples of sound, whatever the order of bytes on this machine. @throws ConfigError `input-invalid` for half a sample */
function samplesOf(bytes: Buffer): Int16Array {
  if (bytes.length % 2 === 1)
    throw new ConfigError(
      "input-invalid",
      `Expected \`pcm16\` of two bytes a sample, got ${bytes.length} bytes`,
    );
  return Int16Array.from({ length: bytes.length / 2 }, (_, i) => bytes.readInt16LE(2 * i));
}
