/**
 * Draws `docs/images/watch-and-ask.svg`: what the command line prints when a talk is watched and asked about. The output is
 * real; the talk is made up.
 *
 *   node scripts/picture.ts
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const lines: [startSeconds: number, speaker: string, text: string][] = [
  [2, "Mara", "Good morning. The survey closes on Friday at noon."],
  [9, "Tom", "The second buoy is on the charger in the boat shed, its battery was flat."],
  [18, "Tom", "The new sensor reads two degrees too warm."],
  [27, "Mara", "Then we sail with the old one at half past nine."],
  [36, "Tom", "Ines has the keys of the shed, she is in the workshop until four."],
];

const folder = mkdtempSync(join(tmpdir(), "taskmem-picture-"));
const stamp = (seconds: number) => `00:00:${String(seconds).padStart(2, "0")},000`;
writeFileSync(
  join(folder, "meeting.srt"),
  lines
    .map(([at, who, text], i) => `${i + 1}\n${stamp(at)} --> ${stamp(at + 4)}\n${who}: ${text}\n`)
    .join("\n"),
);
const main = resolve(import.meta.dirname, "../src/cli/main.ts");
const run = (...args: string[]) =>
  execFileSync(process.execPath, [main, ...args], {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" },
  })
    .trimEnd()
    .split("\n");

const commands: string[][] = [
  ["watch", "meeting.srt"],
  ["ask", "Where is the second buoy?"],
  ["ask", "When does the survey close?"],
  ["ask", "How much does the ferry cost?"],
];
const printed = commands.flatMap(([command, argument]) => [
  { style: "command", text: `$ taskmem ${command} ${/\s/.test(argument!) ? `"${argument}"` : argument}` },
  ...run(command!, argument!).map((text, i) => ({
    style: command === "ask" && i === 0 ? "answer" : "plain",
    text,
  })),
  { style: "plain", text: "" },
]);

const [width, lineHeight, top, left] = [860, 20, 52, 20];
const escaped = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const most = 96;
const cut = (text: string) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
const rows = printed.slice(0, -1);
const height = top + rows.length * lineHeight + 12;
const texts = rows.map(
  ({ style, text }, i) =>
    `<text class="${style}" x="${left}" y="${top + i * lineHeight}" xml:space="preserve">${escaped(cut(text))}</text>`,
);
const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="A meeting is watched, and three questions about it are answered with their moments, or not at all">
<style>
text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #c9d1d9; }
.command { fill: #7ee787; } .answer { fill: #ffffff; font-weight: 700; }
</style>
<rect width="${width}" height="${height}" rx="10" fill="#0d1117"/>
<circle cx="24" cy="20" r="6" fill="#ff5f57"/><circle cx="44" cy="20" r="6" fill="#febc2e"/><circle cx="64" cy="20" r="6" fill="#28c840"/>
${texts.join("\n")}
</svg>
`;
writeFileSync(resolve(import.meta.dirname, "../docs/images/watch-and-ask.svg"), svg);
console.log(rows.map(({ text }) => text).join("\n"));
