/**
 * Pictures of the dashboard for docs/dashboard.md, taken in a real browser of the made-up memory that its test looks at too.
 * `npm run build` comes first: node --env-file=test/test.env scripts/dashboard-pictures.ts
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serve } from "../src/http/index.ts";
import { boardMemory } from "../test/support/board.ts";
import { openBrowser } from "../test/support/browser.ts";

const images = join(import.meta.dirname, "..", "docs", "images");
const folder = mkdtempSync(join(tmpdir(), "taskmem-pictures-"));
// Paths in the pictures are those of whoever watched.
process.chdir(folder);
await boardMemory("spaces", Date.now());
const served = await serve({ root: "spaces", port: 0 });
const browser = await openBrowser();

type Json = { readonly [key: string]: never };
const json = async (path: string): Promise<Json> =>
  (await (await fetch(`${served.url}${path}`)).json()) as Json;
const { entries } = (await json("/v1/spaces/home/entries?streams=front-door&limit=100")) as unknown as {
  entries: { entry: string; text: string }[];
};
const entryOf = (words: string) => entries.find(({ text }) => text.includes(words))!.entry;
const { tasks } = (await json("/v1/spaces/home/tasks?limit=100")) as unknown as {
  tasks: { task: string; question: string }[];
};
const taskOf = (words: string) => tasks.find(({ question }) => question.includes(words))!.task;

const question = encodeURIComponent("How long does the dough rest?");
const views: readonly (readonly [
  name: string,
  path: string,
  how?: { dark?: true; phone?: true; whole?: true; press?: string },
])[] = [
  ["timeline", `timeline?stream=front-door&entry=${entryOf("second parcel")}`],
  ["timeline-phone", "timeline?stream=kitchen", { phone: true, dark: true }],
  ["ask", `ask?q=${question}`],
  ["ask-dark", `ask?q=${encodeURIComponent("What colour is the neighbour's car?")}`, { dark: true }],
  ["streams", "streams"],
  ["learned", "learned"],
  ["dropped", "dropped?stream=front-door", { press: "Keep this kind of thing…" }],
  ["people", "people?person=1"],
  ["storage", "storage", { whole: true }],
  ["forget", "forget?person=Clara"],
  ["trace", `trace?task=${taskOf("parcel inside")}`],
];
const isDecoded =
  '[...document.querySelectorAll("video")].every(({ readyState, seeking }) => readyState >= 2 && !seeking)';
for (const [name, path, { dark, phone, whole = false, press } = {}] of views) {
  const page = await browser.newPage({
    viewport: phone ? { width: 390, height: 780 } : { width: 1200, height: 760 },
    colorScheme: dark ? "dark" : "light",
  });
  await page.goto(`${served.url}/ui/home/${path}`);
  await page.locator("h1").waitFor();
  await page.waitForTimeout(1500);
  // A film is decoded when the machine gets to it, and painted after that.
  for (let tries = 0; tries < 100 && !(await page.evaluate<boolean>(isDecoded)); tries++)
    await page.waitForTimeout(100);
  await page.waitForTimeout(500);
  if (press) await page.getByRole("button", { name: press }).first().click();
  await page.screenshot({ path: join(images, `dashboard-${name}.png`), fullPage: whole });
  await page.close();
}
await browser.close();
await served.close();
process.chdir(tmpdir());
rmSync(folder, { recursive: true });
