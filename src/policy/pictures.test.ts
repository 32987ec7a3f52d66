import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Frame } from "../stream/clip.ts";
import {
  checkPictureLimits,
  evenlySpaced,
  framesShown,
  frameTokens,
  type PictureLimits,
} from "./pictures.ts";

/** A clip of some frames of 448 × 252 pixels, one a second. */
const clipOf = (frames: number, startSeconds = 0) => ({
  frames: Array.from(
    { length: frames },
    (_, i): Frame => ({
      ...{ atSeconds: startSeconds + i, width: 448, height: 252 },
      jpeg: new Uint8Array(),
    }),
  ),
});

const window = Array.from({ length: 5 }, (_, clip) => clipOf(10, clip * 10));

const countsOf = (limits: PictureLimits, clips = window, decided = 1) =>
  framesShown(clips, limits, decided).map(({ length }) => length);

describe("the frames shown of a window", () => {
  test("are all of them where nothing limits them", () => {
    assert.deepEqual(
      framesShown(window),
      window.map(({ frames }) => frames),
    );
  });

  test("are `framesPerClip` of each clip, from the middle of equal shares", () => {
    const moments = framesShown(window, { framesPerClip: 2 }).map((frames) =>
      frames.map(({ atSeconds }) => atSeconds),
    );
    // 10 frames in 2 shares of 5: places 2.5 and 7.5, rounded down.
    assert.deepEqual(moments, [
      [2, 7],
      [12, 17],
      [22, 27],
      [32, 37],
      [42, 47],
    ]);
    assert.deepEqual(countsOf({ framesPerClip: 3 }, [clipOf(0), clipOf(2), clipOf(9)]), [0, 2, 3]);
  });

  test("are thinned from the oldest clip on until they fit the budget", () => {
    // A frame of 448 × 252 takes 16 · 9 = 144 tokens, so the window of 50 takes 7200.
    assert.deepEqual(countsOf({ pictureTokens: 7200 }), [10, 10, 10, 10, 10]);
    assert.deepEqual(countsOf({ pictureTokens: 7199 }), [5, 10, 10, 10, 10]);
    // 45 frames do not fit 44, so the oldest is halved again, to 2: 42 do.
    assert.deepEqual(countsOf({ pictureTokens: 44 * 144 }), [2, 10, 10, 10, 10]);
    assert.deepEqual(countsOf({ pictureTokens: 41 * 144 }), [1, 10, 10, 10, 10]);
    assert.deepEqual(countsOf({ pictureTokens: 40 * 144 }), [0, 10, 10, 10, 10]);
    assert.deepEqual(countsOf({ pictureTokens: 39 * 144 }), [0, 5, 10, 10, 10]);
  });

  test("of the clip decided about are thinned when nothing else is left, down to one", () => {
    assert.deepEqual(countsOf({ pictureTokens: 10 * 144 }), [0, 0, 0, 0, 10]);
    assert.deepEqual(countsOf({ pictureTokens: 9 * 144 }), [0, 0, 0, 0, 5]);
    assert.deepEqual(countsOf({ pictureTokens: 1 }), [0, 0, 0, 0, 1]);
  });

  test("of clips decided about together are thinned after all others, the oldest first, and none is left out", () => {
    assert.deepEqual(countsOf({ pictureTokens: 29 * 144 }, window, 3), [0, 0, 5, 10, 10]);
    assert.deepEqual(countsOf({ pictureTokens: 1 }, window, 3), [0, 0, 1, 1, 1]);
  });

  test("meet both limits: a budget thins what the frames a clip have left", () => {
    assert.deepEqual(countsOf({ framesPerClip: 4, pictureTokens: 17 * 144 }), [1, 4, 4, 4, 4]);
  });

  test("cost what the caller configures", () => {
    assert.deepEqual(countsOf({ pictureTokens: 4500, tokensPerFrame: 100 }), [5, 10, 10, 10, 10]);
  });
});

test("a frame takes a token for 28 × 28 pixels, begun ones counted", () => {
  assert.equal(frameTokens({ width: 448, height: 252 }), 144);
  assert.equal(frameTokens({ width: 449, height: 253 }), 170);
  assert.equal(frameTokens({ width: 1, height: 1 }), 1);
});

test("as many as there are, or more, give the same items", () => {
  const items = [1, 2, 3];
  assert.equal(evenlySpaced(items, 3), items);
  assert.equal(evenlySpaced(items, Infinity), items);
  assert.deepEqual(evenlySpaced(items, 0), []);
});

test("a limit is an integer from 1 up", () => {
  checkPictureLimits({ framesPerClip: 1, pictureTokens: 1 });
  for (const limits of [{ framesPerClip: 0 }, { pictureTokens: 1.5 }, { tokensPerFrame: Number.NaN }])
    assert.throws(() => checkPictureLimits(limits), RangeError);
});
