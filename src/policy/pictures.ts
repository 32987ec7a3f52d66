/**
 * Which frames of a window a model is shown (q_t of the paper: the last 50 s of video).
 *
 * Two limits, both off by default: frames of one clip, and estimated tokens of all pictures together. Older clips are
 * thinned first, so that what is decided about stays as sharp as it was.
 */
import type { Frame } from "../stream/clip.ts";

/** Limits on the pictures of one prompt. */
export interface PictureLimits {
  /** Frames of one clip, from 1 up. @default all it has, which is 10 at 1 frame a second */
  readonly framesPerClip?: number | undefined;
  /** Estimated tokens of all pictures in one prompt, from 1 up. @default no limit */
  readonly pictureTokens?: number | undefined;
  /** Estimated tokens of one frame, from 1 up. @default `frameTokens`, by its size */
  readonly tokensPerFrame?: number | undefined;
}

/** Checks limits. @throws RangeError for a limit that is not an integer from 1 up */
export function checkPictureLimits({ framesPerClip, pictureTokens, tokensPerFrame }: PictureLimits): void {
  for (const [name, value] of Object.entries({ framesPerClip, pictureTokens, tokensPerFrame })) {
    if (value !== undefined && (!Number.isInteger(value) || value < 1))
      throw new RangeError(`Expected \`${name}\` to be an integer from 1 up, got ${value}`);
  }
}

/** Tokens of a frame as Qwen2.5-VL counts them, a token for 28 × 28 pixels: 144 for 448 × 252. */
export function frameTokens({ width, height }: Pick<Frame, "width" | "height">): number {
  return Math.ceil(width / 28) * Math.ceil(height / 28);
}

/**
 * The frames shown of each clip, evenly spaced over it; none where a clip is left out.
 *
 * Every clip starts with `framesPerClip` frames. While all of them take more than `pictureTokens`, the oldest clip that
 * shows any is halved, rounding down, so from 1 to none. The clips decided about come last and keep a frame each, even
 * where that alone is over the limit.
 * @param clips of the window, oldest first, those decided about at the end
 * @param decided how many of them are decided about
 */
export function framesShown(
  clips: readonly { readonly frames: readonly Frame[] }[],
  limits: PictureLimits = {},
  decided = 1,
): (readonly Frame[])[] {
  const { framesPerClip = Infinity, pictureTokens = Infinity, tokensPerFrame } = limits;
  const shown = clips.map(({ frames }) => evenlySpaced(frames, framesPerClip));
  const tokens = () => shown.flat().reduce((sum, frame) => sum + (tokensPerFrame ?? frameTokens(frame)), 0);
  for (const [i, { frames }] of clips.entries()) {
    const fewest = i < clips.length - decided ? 0 : 1;
    while (shown[i]!.length > fewest && tokens() > pictureTokens)
      shown[i] = evenlySpaced(frames, Math.floor(shown[i]!.length / 2));
  }
  return shown;
}

/** `count` of the items, each from the middle of its share; all of them where there are no more. */
export function evenlySpaced<T>(items: readonly T[], count: number): readonly T[] {
  if (count >= items.length) return items;
  return Array.from({ length: count }, (_, i) => items[Math.floor(((i + 0.5) * items.length) / count)]!);
}
