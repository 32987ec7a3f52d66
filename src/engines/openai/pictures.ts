/**
 * Pictures of a request that a server cannot read: one such picture costs itself, and not the request.
 *
 * A server says that it could not read a picture, not which. So the halves are tried with small requests, down to single
 * pictures: about two requests for each time that the number can be halved.
 */
import type { GenerateRequest, Part } from "../../engine.ts";
import type { EngineError } from "../../errors.ts";
import { formatTenths } from "../../util/time.ts";
import { probePicture } from "./probe.ts";

/** A picture of a request. */
export interface Picture {
  readonly bytes: Uint8Array;
  readonly mediaType: "image/jpeg" | "image/png";
  readonly atSeconds?: number;
}

/** Words with which servers say that a picture's bytes could not be read, and not that they take no pictures. */
const unreadable: readonly RegExp[] = [
  // llama-server, Ollama, SGLang
  /failed to (?:load|decode|process|read) (?:the )?(?:image|picture)/i,
  // vLLM, by Pillow
  /cannot identify image|image file is truncated|broken (?:data stream|PNG)/i,
  // hosted
  /(?:invalid|malformed|corrupt(?:ed)?|could not process|unable to (?:decode|process|read))\b.{0,20}\bimage/i,
  /image (?:data )?(?:is|was|could) (?:not (?:valid|be)|invalid|corrupt)/i,
];

/** Whether what a server says is that it could not read a picture. */
export function saysUnreadable(said: string): boolean {
  return unreadable.some((words) => words.test(said));
}

/** Whether a request was refused for a picture that could not be read. */
export function isOfUnreadable({ code, details }: EngineError, { parts }: GenerateRequest): boolean {
  return code === "bad-request" && picturesIn(parts).length > 0 && saysUnreadable(String(details.said));
}

/** All pictures of a request, in reading order. */
export function picturesIn(parts: readonly Part[]): readonly Picture[] {
  return parts.flatMap((part): readonly Picture[] => {
    if (part.type === "text") return [];
    if (part.type === "image") return [part];
    return part.frames.map(({ jpeg, atSeconds }) => ({ bytes: jpeg, mediaType: "image/jpeg", atSeconds }));
  });
}

/** The parts without some pictures. */
export function withoutPictures(
  parts: readonly Part[],
  isLeftOut: (bytes: Uint8Array) => boolean,
): readonly Part[] {
  return parts.flatMap((part): Part[] => {
    if (part.type === "text") return [part];
    if (part.type === "image") return isLeftOut(part.bytes) ? [] : [part];
    const frames = part.frames.filter(({ jpeg }) => !isLeftOut(jpeg));
    return frames.length === 0 ? [] : [{ ...part, frames }];
  });
}

/**
 * The pictures of a refused request that the server cannot read. None where it reads no picture at all, or each alone.
 * @param isRefused whether a request is refused for a picture that could not be read
 */
export async function unreadablePictures(
  { parts, signal }: GenerateRequest,
  isRefused: (request: GenerateRequest) => Promise<boolean>,
): Promise<readonly Picture[]> {
  const areRefused = (pictures: readonly Picture[]) =>
    isRefused({
      parts: [
        { type: "text", text: "Answer with one word." },
        ...pictures.map((picture): Part => ({ type: "image", ...picture })),
      ],
      sampling: { maxTokens: 1 },
      ...(signal && { signal }),
    });
  if (await areRefused(picturesIn([probePicture]))) return [];
  return refusedAlone(picturesIn(parts), areRefused);
}

/** Those of some pictures that are refused alone. */
async function refusedAlone(
  pictures: readonly Picture[],
  areRefused: (pictures: readonly Picture[]) => Promise<boolean>,
): Promise<readonly Picture[]> {
  if (!(await areRefused(pictures))) return [];
  if (pictures.length <= 1) return pictures;
  const middle = Math.ceil(pictures.length / 2);
  const first = await refusedAlone(pictures.slice(0, middle), areRefused);
  return [...first, ...(await refusedAlone(pictures.slice(middle), areRefused))];
}

/** That a model was not shown some pictures, as a sentence. */
export function notShown(model: string, pictures: readonly Picture[], said: string): string {
  const moments = pictures.flatMap(({ atSeconds }) =>
    atSeconds === undefined ? [] : [formatTenths(atSeconds)],
  );
  const of = moments.length > 0 ? ` of ${moments.join(", ")}` : "";
  const count = pictures.length === 1 ? "1 picture" : `${pictures.length} pictures`;
  return `${model} was not shown ${count}${of}, which its server could not read: ${said.replace(/\.$/, "")}.`;
}
