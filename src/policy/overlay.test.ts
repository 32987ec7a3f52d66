/** What is painted on frames, and the letters that can be. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { observationOf } from "../../test/support/memory.ts";
import type { Observation } from "../perception/observation.ts";
import type { Frame } from "../stream/clip.ts";
import { createCanvas, GlobalFonts } from "../util/canvas.ts";
import { buildContext } from "./context.ts";
import { paintingsOf } from "./overlay.ts";
import { paintWindow } from "./paint.ts";
import { windowPrompt } from "./prompts.ts";
import { freshState } from "./state.ts";

const grey = createCanvas(64, 36).toBuffer("image/jpeg");
const framesAt = (...moments: number[]) =>
  moments.map((atSeconds) => ({ atSeconds, width: 64, height: 36, jpeg: grey }));
const boxAt = (left: number) => ({ left, top: 0.2, width: 0.2, height: 0.3 });
const said = (startSeconds: number, endSeconds: number, text: string, speaker: string | null = null) => ({
  ...{ startSeconds, endSeconds, text, speaker },
});
const contextOf = (parts: Partial<Observation>) =>
  buildContext([observationOf("hall", 0, parts)], { observations: [], entries: [], state: freshState() });
const paintings = (parts: Partial<Observation>) => {
  const context = contextOf(parts);
  return paintingsOf(context, [context.observations[0]!.frames])[0]!;
};
const mia = (atSeconds: readonly number[], lefts: readonly number[]) => ({
  ...{ id: "person_3", name: "Mia", atSeconds, boxes: lefts.map(boxAt) },
});

describe("boxes", () => {
  test("stand between the places of two seconds, and at most half a second beyond them", () => {
    const frames = framesAt(0, 0.5, 1, 1.5, 2);
    const shown = paintings({ frames, people: [mia([0, 1], [0.1, 0.2])] });
    const lefts = shown.map(({ faces }) => faces.map(({ box }) => box.left.toFixed(2)));
    assert.deepEqual(lefts, [["0.10"], ["0.15"], ["0.20"], ["0.20"], []]);
    assert.equal(shown[0]!.faces[0]!.label, "<face_1>");
  });

  test("do not slide over a cut, nor to another place", () => {
    const frames = framesAt(0.4, 0.6);
    const lefts = (shots: readonly number[], to: number) =>
      paintings({ frames, shots, people: [mia([0, 1], [0.1, to])] }).map(({ faces }) => faces[0]?.box.left);
    assert.deepEqual(lefts([0.5], 0.2), [0.1, 0.2]);
    assert.deepEqual(lefts([], 0.7), [0.1, 0.7]);
  });
});

describe("subtitles", () => {
  test("name the speaker, by tag where the face is known, and take the upper row while another is said", () => {
    const frames = framesAt(0, 1, 2, 3, 4);
    const speech = [said(0, 3, "One."), said(1, 5, "Two.", "Mia"), said(2, 4, "Three.", "Tom")];
    const shown = paintings({ frames, speech, people: [mia([0], [0.1])] });
    assert.deepEqual(
      shown.map(({ subtitles }) => subtitles.map(({ text, row }) => [row, text])),
      [
        [[0, "One."]],
        [
          [0, "One."],
          [1, "<face_1>: Two."],
        ],
        // The first ends where the third begins.
        [
          [1, "<face_1>: Two."],
          [0, "Tom: Three."],
        ],
        [
          [1, "<face_1>: Two."],
          [0, "Tom: Three."],
        ],
        [[1, "<face_1>: Two."]],
      ],
    );
  });

  test("stand on the nearer frame where a line is said between two", () => {
    const shown = paintings({ frames: framesAt(0, 1), speech: [said(0.6, 0.9, "Yes.")] });
    assert.deepEqual(
      shown.map(({ subtitles }) => subtitles.length),
      [0, 1],
    );
  });
});

describe("painting", { skip: GlobalFonts.families.length === 0 && "no font is installed" }, () => {
  const options = { semantic: false, countTokens: (text: string) => text.split(" ").length, overlay: true };

  test("is done once for a frame that stays the same, and leaves others as they are", async () => {
    const context = contextOf({ frames: framesAt(0, 9), people: [mia([0], [0.1])] });
    const [first, second] = context.observations[0]!.frames as [Frame, Frame];
    const once = (await paintWindow(context, {})).frame(first);
    assert.notEqual(once, first);
    assert.equal((await paintWindow(context, {})).frame(first), once);
    assert.equal((await paintWindow(context, {})).frame(second), second);
  });

  test("what no font can write, or is too long, stays a text of the prompt", async () => {
    const unknown = "\u{10FFFE}\u{E000}";
    const long = "A sentence of many words. ".repeat(40);
    const speech = [said(0, 1, "Yes."), said(1, 2, unknown), said(2, 3, long)];
    const context = contextOf({ frames: framesAt(0, 1, 2), speech });
    const { parts, problem } = await windowPrompt(context, {
      ...options,
      template: { system: "", user: "{video}\n\n{unpainted}" },
    });
    const text = parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n");
    assert.ok(!text.includes("Yes.") && text.includes("many words"), text);
    assert.match(problem ?? "", /^No font here has the letters of 1 line of speech/);
  });

  test("nothing is painted unless it is asked for", async () => {
    const context = contextOf({
      frames: framesAt(0),
      speech: [said(0, 1, "Yes.")],
      people: [mia([0], [0.1])],
    });
    const { parts, problem } = await windowPrompt(context, { ...options, overlay: false });
    const frames = parts.flatMap((part) => (part.type === "video" ? part.frames : []));
    assert.deepEqual([problem, frames], [null, context.observations[0]!.frames]);
  });
});
