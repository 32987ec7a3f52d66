/** Small requests that use every feature, to find out what a server takes. */
import type { GenerateRequest, Part } from "../../engine.ts";

/** A request that uses all features but video, for `n` samples; with a picture or, for a model without eyes, none. */
export function probeRequest(n: number, pictures: boolean, signal: AbortSignal | undefined): GenerateRequest {
  return {
    parts: [
      { type: "text", text: 'Answer with the JSON object {"ok": true}.' },
      ...(pictures ? [probePicture] : []),
    ],
    n,
    logprobs: true,
    schema: probeSchema,
    sampling: { maxTokens: 256 },
    ...(signal && { signal }),
  };
}

/** A request with a clip of two frames: llama-server takes the list of one frame, and no longer one. */
export function probeVideo(signal: AbortSignal | undefined): GenerateRequest {
  const frames = [0, 1].map((atSeconds) => ({ atSeconds, jpeg: greyPicture }));
  return {
    parts: [
      { type: "text", text: "Answer with one word." },
      { type: "video", frames },
    ],
    sampling: { maxTokens: 1 },
    ...(signal && { signal }),
  };
}

const probeSchema = {
  name: "probe",
  schema: {
    type: "object",
    properties: { ok: { type: "boolean" } },
    required: ["ok"],
    additionalProperties: false,
  },
};

/** A JPEG of 32 × 32 pixels. */
const greyPicture: Uint8Array = Buffer.from(
  "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxO" +
    "UlNSMj5aYVpQYEpRUk//2wBDAQ4ODhMREyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09P" +
    "T09PT09PT0//wAARCAAgACADASIAAhEBAxEB/8QAFAABAAAAAAAAAAAAAAAAAAAAAP/EABQQAQAAAAAAAAAAAAAAAAAAAAD/xAAU" +
    "AQEAAAAAAAAAAAAAAAAAAAAA/8QAFBEBAAAAAAAAAAAAAAAAAAAAAP/aAAwDAQACEQMRAD8AAAAAAAAA/9k=",
  "base64",
);

/** A picture that every server can read. */
export const probePicture: Part = { type: "image", bytes: greyPicture, mediaType: "image/jpeg" };
