/**
 * Paints on frames what `overlay.ts` says, with the optional canvas: red boxes with the tag in white on red, lines in black
 * on a light band. Letters are as large as the frame allows to read, not below a size that a small frame still shows.
 *
 * A canvas draws letters that no installed font has as empty boxes. A line with such letters is not painted: it stays a
 * text of the prompt, and that is told.
 */
import type { SKRSContext2D } from "@napi-rs/canvas";
import type { Utterance } from "../perception/observation.ts";
import type { Frame } from "../stream/clip.ts";
import { sha256 } from "../util/hash.ts";
import { hasPackage, installLine } from "../util/optional.ts";
import { type Painting, paintingsOf } from "./overlay.ts";
import { framesShown, type PictureLimits } from "./pictures.ts";
import type { Context } from "./policy.ts";

/** A window with painted frames. */
export interface PaintedWindow {
  /** A frame as it is shown. */
  frame(frame: Frame): Frame;
  /** Whether a line of speech is painted, whole, on a frame that is shown. */
  has(line: Utterance): boolean;
  /** What could not be painted and how it could be, as a sentence. */
  readonly problem: string | null;
}

/** Paintings that were made, by the frame: most frames of a window were in the one before. */
const made = new WeakMap<Frame, { readonly of: string; readonly frame: Frame }>();

/** Paints the frames that a window shows within limits; none without the canvas or a font, and says so. */
export async function paintWindow(context: Context, limits: PictureLimits): Promise<PaintedWindow> {
  const { observations, recent } = context;
  const frames = framesShown([...recent.observations, ...observations], limits, observations.length);
  const lacking = await lacksForOverlay();
  if (lacking !== null) return unpainted(lacking);
  const canvas = await import("../util/canvas.ts");
  const painted = new Map<Frame, Frame>();
  const lines = new Set<Utterance>();
  /** What cannot be drawn, or not to its end. */
  const unpaintable = new Set<Utterance>();
  const cut = new Set<Utterance>();
  const paintings = paintingsOf(context, frames);
  for (const [i, shown] of frames.entries())
    for (const [j, frame] of shown.entries()) {
      const { faces, subtitles } = paintings[i]![j]!;
      const readable = subtitles.filter(({ text, of }) => {
        const can = canDraw(text, canvas);
        (can ? lines : unpaintable).add(of);
        return can;
      });
      const rows = readable.map((one) => ({ ...one, ...rowsOf(one.text, frame, canvas) }));
      for (const { of, isCut } of rows) if (isCut) cut.add(of);
      painted.set(frame, await paintFrame(frame, faces, rows, canvas));
    }
  return {
    frame: (frame) => painted.get(frame) ?? frame,
    has: (line) => lines.has(line) && !unpaintable.has(line) && !cut.has(line),
    problem: unpaintable.size === 0 ? null : unwritable(unpaintable.size),
  };
}

/** The command that makes painting possible; `null` where nothing lacks. */
export async function lacksForOverlay(): Promise<string | null> {
  if (!hasPackage("@napi-rs/canvas")) return installLine("@napi-rs/canvas");
  const { GlobalFonts } = await import("../util/canvas.ts");
  return GlobalFonts.families.length > 0 ? null : `a font. ${fonts("fonts-dejavu-core")}`;
}

const fonts = (packages: string) => `On Debian and its kin: sudo apt-get install -y ${packages}`;

const unpainted = (why: string): PaintedWindow => ({
  frame: (frame) => frame,
  has: () => false,
  problem: `Tags and speech were not painted on the frames, but told as text. It needs: ${why}`,
});

const unwritable = (lines: number) =>
  `No font here has the letters of ${lines} ${lines === 1 ? "line" : "lines"} of speech, which the model was told as text instead of painted. ${fonts("fonts-noto-cjk fonts-noto-core")}`;

type Canvas = typeof import("../util/canvas.ts");

interface Rows {
  readonly rows: readonly string[];
  readonly row: 0 | 1;
}

async function paintFrame(
  frame: Frame,
  faces: Painting["faces"],
  subtitles: readonly Rows[],
  canvas: Canvas,
): Promise<Frame> {
  if (faces.length + subtitles.length === 0) return frame;
  const of = sha256(JSON.stringify([faces, subtitles.map(({ rows, row }) => [rows, row])]));
  const known = made.get(frame);
  if (known?.of === of) return known.frame;
  const image = await canvas.loadImage(Buffer.from(frame.jpeg));
  const { width, height } = image;
  const target = canvas.createCanvas(width, height);
  const pen = target.getContext("2d");
  pen.drawImage(image, 0, 0);
  for (const face of faces) paintBox(pen, { width, height }, face);
  for (const face of faces) paintLabel(pen, { width, height }, face);
  paintSubtitles(pen, { width, height }, subtitles);
  const jpeg = await target.encode("jpeg", 90);
  const done = { atSeconds: frame.atSeconds, width, height, jpeg };
  made.set(frame, { of, frame: done });
  return done;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

const red = "rgb(255, 0, 0)";
/** Sizes of letters: shares of the frame's height, and what is still readable. */
const labelSize = ({ height }: Size) => Math.max(13, Math.round(height / 30));
const subtitleSize = ({ height }: Size) => Math.max(14, Math.round(height / 22));
const labelFont = (size: number) => `bold ${size}px "DejaVu Sans Mono", monospace`;
const subtitleFont = (size: number) => `${size}px "DejaVu Sans", "Noto Sans CJK SC", sans-serif`;

function paintBox(pen: SKRSContext2D, { width, height }: Size, { box }: Painting["faces"][number]): void {
  pen.strokeStyle = red;
  pen.lineWidth = 2;
  pen.strokeRect(box.left * width, box.top * height, box.width * width, box.height * height);
}

/** A label on the box's top left corner; inside where there is no room above. */
function paintLabel(pen: SKRSContext2D, size: Size, { box, label }: Painting["faces"][number]): void {
  const letters = labelSize(size);
  pen.font = labelFont(letters);
  const [wide, high] = [pen.measureText(label).width + 4, letters + 4];
  const left = Math.max(0, Math.min(box.left * size.width - 1, size.width - wide));
  const above = box.top * size.height - high;
  const top = above < 0 ? Math.max(0, box.top * size.height) : above;
  pen.fillStyle = red;
  pen.fillRect(left, top, wide, high);
  pen.fillStyle = "white";
  pen.textBaseline = "middle";
  pen.textAlign = "left";
  pen.fillText(label, left + 2, top + high / 2 + 1);
}

/** Most rows of letters that a line takes. */
const mostRows = 3;

/** A line in rows, of which the last ones are left out where there are too many. */
function rowsOf(text: string, size: Size, { createCanvas }: Canvas) {
  const pen = createCanvas(1, 1).getContext("2d");
  const letters = subtitleSize(size);
  pen.font = subtitleFont(letters);
  const rows = wrapped(pen, text, size.width - 3 * letters);
  const isCut = rows.length > mostRows;
  return { rows: isCut ? [...rows.slice(0, mostRows - 1), `${rows[mostRows - 1]} …`] : rows, isCut };
}

function paintSubtitles(pen: SKRSContext2D, size: Size, subtitles: readonly Rows[]): void {
  const letters = subtitleSize(size);
  pen.font = subtitleFont(letters);
  pen.textBaseline = "middle";
  pen.textAlign = "center";
  const [high, padding] = [Math.round(1.25 * letters), Math.round(letters / 4)];
  let bottom = size.height - Math.round(letters / 2);
  for (const { rows } of subtitles.toSorted((a, b) => a.row - b.row)) {
    const wide = Math.max(...rows.map((row) => pen.measureText(row).width)) + 2 * padding;
    const top = bottom - rows.length * high - 2 * padding;
    pen.fillStyle = "rgba(255, 255, 255, 0.5)";
    pen.fillRect((size.width - wide) / 2, top, wide, bottom - top);
    pen.fillStyle = "black";
    for (const [i, row] of rows.entries())
      pen.fillText(row, size.width / 2, top + padding + (i + 0.5) * high);
    bottom = top - padding;
  }
}

/** A line in rows that are no wider than `most`; a script without blanks is broken at any letter. */
function wrapped(pen: SKRSContext2D, text: string, most: number): string[] {
  const rows = [""];
  const fits = (row: string) => pen.measureText(row).width <= most;
  for (const word of text.split(/(?<=\s)/)) {
    if (fits(rows.at(-1)! + word.trimEnd())) {
      rows[rows.length - 1] += word;
      continue;
    }
    if (rows.at(-1) !== "") rows.push("");
    for (const letter of word) {
      if (!fits(rows.at(-1)! + letter)) rows.push("");
      rows[rows.length - 1] += letter;
    }
  }
  return rows.map((row) => row.trim());
}

/** Which letters can be drawn, found out by drawing them. */
const drawable = new Map<string, boolean>();

function canDraw(text: string, canvas: Canvas): boolean {
  return [...text].every((letter) => {
    const known = drawable.get(letter) ?? (/[\s\p{Cc}\p{Cf}\p{M}]/u.test(letter) || hasGlyph(letter, canvas));
    drawable.set(letter, known);
    return known;
  });
}

/** No font has it. */
const noLetter = "\u{10FFFF}";

function hasGlyph(letter: string, { createCanvas }: Canvas): boolean {
  const drawn = (one: string) => {
    const pen = createCanvas(32, 32).getContext("2d");
    pen.font = subtitleFont(20);
    pen.fillText(one, 4, 24);
    return Buffer.from(pen.getImageData(0, 0, 32, 32).data).toString("base64");
  };
  return drawn(letter) !== drawn(noLetter);
}
