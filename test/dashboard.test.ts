/**
 * The dashboard in a real browser, over a small made-up memory: each view once, by keyboard, at phone width, dark, and with
 * twenty thousand rows. No page may break its content policy or write an error. Below it, the routes that it needs: built
 * files, recordings that play only as long as they are what was watched, tickets.
 */
import assert from "node:assert/strict";
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { type Served, serve } from "../src/http/index.ts";
import { rangeOf } from "../src/http/media.ts";
import type { Memory } from "../src/memory/memory.ts";
import { openTaskMem } from "../src/taskmem.ts";
import { type BoardMemory, boardMemory } from "./support/board.ts";
import { noBrowser, openBrowser } from "./support/browser.ts";
import { root } from "./support/built.ts";
import { temporaryFolder } from "./support/cli.ts";
import { observationOf } from "./support/memory.ts";

const folder = temporaryFolder();
const spaces = join(folder, "spaces");
let made: BoardMemory;
let served: Served;
let browser: Browser;

before(async () => {
  made = await boardMemory(spaces, Date.now());
  served = await serve({ root: spaces, port: 0 });
  if (!noBrowser) browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await served?.close();
  rmSync(folder, { recursive: true, force: true });
});

// biome-ignore lint/suspicious/noExplicitAny: bodies are compared, not typed
type Json = any;

const ask = (path: string, init?: RequestInit) => fetch(`${served.url}${path}`, init);
const json = async (path: string, init?: RequestInit): Promise<Json> => (await ask(path, init)).json();

describe("the built files", () => {
  test("weigh at most 120 kB as they are sent", () => {
    const built = join(root, "dist", "ui");
    assert.ok(existsSync(built), "npm run build comes first");
    const names = readdirSync(built, { recursive: true, encoding: "utf8" }).filter((name) =>
      name.includes("."),
    );
    const sent = names.reduce(
      (sum, name) => sum + gzipSync(readFileSync(join(built, name)), { level: 9 }).length,
      0,
    );
    assert.ok(names.length >= 3 && sent <= 120_000, `${sent} bytes in ${names.length} files`);
  });

  test("are served under a policy that allows nothing inline and nothing from elsewhere", async () => {
    const page = await ask("/ui/home/timeline?stream=kitchen");
    const text = await page.text();
    assert.match(page.headers.get("content-security-policy") ?? "", /^default-src 'self'; object-src 'none'/);
    assert.doesNotMatch(text, /<style|<script(?![^>]* src=)| style=| on\w+=|https?:/);
    for (const [, path] of text.matchAll(/(?:src|href)="([^"]+)"/g)) {
      const asset = await ask(path!);
      assert.equal(asset.status, 200, path);
      assert.match(asset.headers.get("cache-control") ?? "", /immutable/, path);
    }
    assert.equal((await ask("/ui", { redirect: "manual" })).headers.get("location"), "/ui/");
    assert.equal((await ask("/ui/assets/..%2f..%2fpackage.json")).status, 404);
    assert.equal(
      (await ask("/ui/", { headers: { "if-none-match": (await ask("/ui/")).headers.get("etag")! } })).status,
      304,
    );
  });
});

describe("the recording of a moment", () => {
  const path = "/v1/spaces/home/streams/kitchen/media?from=25&to=29";

  test("is sent whole or in ranges, with where the moment lies in it", async () => {
    const bytes = readFileSync(made.film);
    const whole = await ask(path);
    assert.deepEqual([whole.status, whole.headers.get("content-type")], [200, "video/mp4"]);
    assert.equal(whole.headers.get("taskmem-offset-seconds"), "25");
    assert.ok(bytes.equals(Buffer.from(await whole.arrayBuffer())));
    const part = await ask(path, { headers: { range: "bytes=100-199" } });
    assert.deepEqual(
      [part.status, part.headers.get("content-range")],
      [206, `bytes 100-199/${bytes.length}`],
    );
    assert.ok(bytes.subarray(100, 200).equals(Buffer.from(await part.arrayBuffer())));
    const head = await ask(path, { method: "HEAD" });
    assert.deepEqual([head.status, head.headers.get("content-length")], [200, String(bytes.length)]);
    const beyond = await ask(path, { headers: { range: `bytes=${bytes.length}-` } });
    assert.deepEqual([beyond.status, ((await beyond.json()) as Json).code], [416, "range-invalid"]);
    const stale = await ask(path, { headers: { range: "bytes=0-9", "if-range": '"another"' } });
    assert.equal(stale.status, 200);
    await stale.body?.cancel();
    const described = await json(path, { headers: { accept: "application/json" } });
    assert.deepEqual(described, { playable: true, type: "video/mp4", offsetSeconds: 25, endSeconds: 29 });
  });

  test("reads ranges as RFC 9110 has them", () => {
    const cases: [string, number, ReturnType<typeof rangeOf>][] = [
      ["bytes=0-0", 10, { start: 0, end: 0 }],
      ["bytes=4-", 10, { start: 4, end: 9 }],
      ["bytes=-3", 10, { start: 7, end: 9 }],
      ["bytes=-30", 10, { start: 0, end: 9 }],
      ["bytes=2-99", 10, { start: 2, end: 9 }],
      ["bytes=10-", 10, "none"],
      ["bytes=5-4", 10, "none"],
      ["bytes=-0", 10, "none"],
      ["bytes=0-1,4-5", 10, null],
      ["bytes=-", 10, null],
      ["pages=0-1", 10, null],
    ];
    for (const [header, size, range] of cases) assert.deepEqual(rangeOf(header, size), range, header);
  });

  test("is gone when another file, a link or nothing stands in its place, and the pictures come instead", async () => {
    const aside = join(folder, "aside.mp4");
    const refused = async (why: RegExp) => {
      const answer = await ask(path);
      const { code, detail, frames } = (await answer.json()) as Json;
      assert.deepEqual(
        [answer.status, answer.headers.get("content-type"), code],
        [410, "application/problem+json", "media-gone"],
      );
      assert.match(detail, why);
      assert.ok(frames.length > 0);
      assert.equal((await ask(`/v1/spaces/home/blobs/${frames[0].hash}`)).status, 200);
    };
    renameSync(made.film, aside);
    await refused(/not there any more/);
    symlinkSync(aside, made.film);
    await refused(/A link stands/);
    rmSync(made.film);
    const changed = readFileSync(aside);
    changed[40] = changed[40]! ^ 1;
    writeFileSync(made.film, changed);
    await refused(/Another file stands/);
    writeFileSync(made.film, Buffer.concat([readFileSync(aside), Buffer.from("more")]));
    await refused(/Another file stands/);
    rmSync(made.film);
    copyFileSync(aside, made.film);
    const back = await ask(path);
    assert.equal(back.status, 200);
    await back.body?.cancel();
    const live = await ask("/v1/spaces/home/streams/front-door/media?from=3&to=9");
    assert.deepEqual([live.status, ((await live.json()) as Json).frames.length > 0], [410, true]);
    assert.equal((await ask("/v1/spaces/home/streams/none/media?from=3")).status, 404);
    assert.equal((await ask("/v1/spaces/home/streams/kitchen/media?from=x")).status, 400);
  });
});

/** A page that remembers what went wrong on it. */
async function opened(
  path: string,
  options: BrowserContextOptions = {},
  at = served.url,
): Promise<{ page: Page; close: () => Promise<void> }> {
  const context = await browser.newContext({ viewport: { width: 1200, height: 800 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const wrong: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") wrong.push(message.text());
  });
  page.on("pageerror", (error) => wrong.push(error.message));
  await page.addInitScript(
    'addEventListener("securitypolicyviolation", (event) => console.error("policy: " + event.violatedDirective))',
  );
  await page.goto(at + path);
  const close = async () => {
    await context.close();
    assert.deepEqual(wrong, []);
  };
  return { page, close };
}

/** Waits until an expression holds in the page. Its policy allows no `waitForFunction`, which evaluates there. */
async function until(page: Page, expression: string): Promise<void> {
  const endMs = Date.now() + 20_000;
  while (!(await page.evaluate<boolean>(expression).catch(() => false))) {
    assert.ok(Date.now() < endMs, `waited in vain: ${expression}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const textOf = (page: Page, selector: string) => page.locator(selector).first().textContent();

describe("the views", { skip: noBrowser }, () => {
  test("the timeline has its memories, gaps and pictures, and is walked by keyboard", async () => {
    const { page, close } = await opened("/ui/home/timeline?stream=front-door");
    await page.locator(".row-text").first().waitFor();
    assert.equal(await textOf(page, ".list-head"), "9 memories");
    assert.match((await textOf(page, ".row-gap"))!, /not watched for 1 h/);
    assert.equal(await page.locator(".strip-gap").count(), 1);
    await until(page, 'document.querySelector(".row-frame").naturalWidth > 0');
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    await page.locator(".detail-text", { hasText: "parcel for Mia" }).waitFor();
    assert.match(page.url(), /entry=/);
    await page.locator(".strip", { hasText: "not watched from a recording" }).waitFor();
    await page.keyboard.press("+");
    await page.waitForURL(/from=.*&to=/);
    await page.keyboard.press("Escape");
    await page.locator(".empty-title", { hasText: "Choose a memory" }).waitFor();
    await page.keyboard.press("2");
    await page.waitForURL(/\/ui\/home\/ask/);
    await page.goBack();
    await page.locator(".row-text").first().waitFor();
    await close();
  });

  test("a link to a moment shows it, and what is remembered meanwhile appears", async () => {
    const { page, close } = await opened("/ui/home/timeline?stream=kitchen&t=50");
    await page.locator(".row-text", { hasText: "lower drawer" }).waitFor();
    await page.locator(".strip-at").waitFor({ state: "attached" });
    await page.goto(`${served.url}/ui/home/timeline?stream=remembered`);
    await page.locator(".list-head", { hasText: "2 memories" }).waitFor();
    await ask("/v1/spaces/home/entries", {
      ...{ method: "POST", headers: { "content-type": "application/json" } },
      body: JSON.stringify({ text: "The spare key is with the neighbour." }),
    });
    await page.locator(".row-text", { hasText: "spare key" }).waitFor();
    await close();
  });

  test("an answer plays the moment it rests on, from its second", async () => {
    const { page, close } = await opened("/ui/home/ask");
    await page.locator(".asked").waitFor();
    await page.keyboard.press("/");
    await until(page, 'document.activeElement.id === "question"');
    await page.keyboard.type("How long does the dough rest?");
    await page.keyboard.press("Enter");
    await page.locator(".answer-text", { hasText: "forty minutes" }).waitFor();
    const video = page.locator("video");
    await video.waitFor();
    await until(
      page,
      'document.querySelector("video").readyState >= 2 && Math.abs(document.querySelector("video").currentTime - 25) < 1',
    );
    await page.evaluate(
      'document.querySelector("video").muted = true, document.querySelector("video").play()',
    );
    await until(page, 'document.querySelector("video").currentTime > 25.5');
    await page.getByRole("button", { name: "Yes" }).click();
    await page.getByRole("status").getByText("Noted.").waitFor();
    const { tasks } = await json("/v1/spaces/home/tasks?newest=true&limit=1");
    assert.deepEqual(
      [tasks[0].question, tasks[0].feedback.verdict],
      ["How long does the dough rest?", "right"],
    );
    await page.goto(`${served.url}/ui/home/ask?q=${encodeURIComponent("What colour is the car?")}`);
    await page.locator(".answer-text.is-open").waitFor();
    assert.ok((await page.locator(".quote").count()) > 0);
    // A link teaches nothing.
    assert.equal((await json("/v1/spaces/home/tasks?newest=true&limit=1")).tasks[0].task, tasks[0].task);
    await close();
  });

  test("streams tell how far they are and what failed, which is tried again", async () => {
    const { page, close } = await opened("/ui/home/streams");
    const card = page.locator(".stream", { hasText: "front-door" });
    await card.getByText("2 clips failed").waitFor();
    assert.match((await card.textContent())!, /did not answer within 120 s/);
    await card.getByRole("button", { name: /Try those again/ }).click();
    await card.getByText(/1 clip will be tried/).waitFor();
    assert.match((await card.textContent())!, /Models, in 30 days\$\d+\.\d\d, [\d.]+[kM] tokens/i);
    await card.getByRole("button", { name: "Pause" }).click();
    await card.locator(".state", { hasText: "paused" }).waitFor();
    const stateOf = async () =>
      (await json("/v1/spaces/home/streams")).streams.find(({ stream }: Json) => stream === "front-door");
    assert.match((await stateOf()).pausedAt, /^20\d\d-/);
    await card.getByRole("button", { name: "Resume" }).click();
    await card.locator(".state", { hasText: "failed" }).waitFor();
    assert.equal((await stateOf()).pausedAt, undefined);
    await close();
  });

  test("what it has learned is told with words, verdicts and states, promoted and taken back", async () => {
    const { page, close } = await opened("/ui/home/learned");
    await page.locator(".weights li", { hasText: "parcel" }).waitFor();
    assert.match((await page.locator(".active-line").textContent())!, /It writes with/);
    await page.locator(".chart canvas").waitFor();
    const { adapters } = await json("/v1/spaces/home/adapters");
    await page.locator(".run", { hasText: adapters[0].adapter.slice(8) }).click();
    await page.waitForURL(/adapter=/);
    await page.getByRole("button", { name: "Promote…" }).click();
    await page.getByRole("button", { name: "Yes, promote it" }).click();
    await page.locator(".active-line", { hasText: adapters[0].adapter.slice(8) }).waitFor();
    await page.getByRole("button", { name: "Take it back…" }).click();
    await page.getByRole("button", { name: "Yes, take it back" }).click();
    await page.locator(".active-line", { hasText: adapters[1].adapter.slice(8) }).waitFor();
    await close();
  });

  test("what was dropped is kept from now on, by a question that it answers", async () => {
    const { page, close } = await opened("/ui/home/dropped?stream=front-door");
    const line = page.locator(".tray-line", { hasText: "bring it back by Sunday" });
    await line.waitFor();
    assert.equal(await page.locator(".tray-line").count(), 3);
    await line.getByRole("button", { name: "Keep this kind of thing…" }).click();
    await line.getByPlaceholder("Where is the ladder?").fill("When does the ladder come back?");
    await page.keyboard.press("Enter");
    await line.getByText("Noted.").waitFor();
    const [task] = (await json("/v1/spaces/home/tasks?newest=true&limit=1")).tasks;
    assert.deepEqual([task.question, task.feedback.verdict], ["When does the ladder come back?", "wrong"]);
    assert.match(task.feedback.correction, /by Sunday/);
    const asked = await json("/v1/spaces/home/ask", {
      ...{ method: "POST", headers: { "content-type": "application/json" } },
      body: JSON.stringify({ question: "When does the ladder come back?", record: false }),
    });
    assert.match(asked.answer, /Sunday/);
    await close();
  });

  test("people are named, merged and split by choosing faces, and changes are undone", async () => {
    const { page, close } = await opened("/ui/home/people");
    await page.locator(".person").nth(3).waitFor();
    await page.locator(".person").first().click();
    await page.locator(".face-button").nth(1).waitFor();
    await page.getByLabel("Name", { exact: true }).fill("Paul");
    await page.keyboard.press("Enter");
    await page.locator(".person", { hasText: "Paul" }).waitFor();
    await page.locator(".face-button").first().click();
    await page.getByRole("button", { name: /^Someone else: split 1/ }).click();
    await page.locator(".person").nth(4).waitFor();
    await page.locator(".change", { hasText: "split from" }).getByRole("button", { name: "Undo" }).click();
    await page.locator(".change", { hasText: "undone" }).waitFor();
    await page.locator(".person").nth(4).waitFor({ state: "detached" });
    await page.getByLabel("Another person").selectOption({ index: 1 });
    await page.getByRole("button", { name: / is Paul$/ }).click();
    await page.locator(".person").nth(3).waitFor({ state: "detached" });
    const { people } = await json("/v1/spaces/home/people", {
      ...{ method: "POST", headers: { "content-type": "application/json" } },
      body: JSON.stringify({ op: "list" }),
    });
    assert.deepEqual(people.map(({ name, faces }: Json) => [name ?? "", faces]).sort(), [
      ["", 2],
      ["Paul", 4],
    ]);
    await close();
  });

  test("storage is told by stream, and one question from end to end", async () => {
    const { page, close } = await opened("/ui/home/storage");
    await page.locator(".bars li", { hasText: "front-door" }).waitFor();
    assert.match((await textOf(page, ".big"))!, /MB|kB/);
    const costs = page.locator("section", { hasText: "Cost of models" });
    await costs.locator(".day-bar").nth(29).waitFor();
    assert.match((await costs.textContent())!, /\$\d.*The next 30 days.*front-door/s);
    await page.goto(`${served.url}/ui/home/trace?q=${encodeURIComponent("Who took the parcel inside?")}`);
    await page.locator(".found tr.is-selected", { hasText: "cited" }).waitFor();
    await page.getByRole("button", { name: /Show all/ }).click();
    await page.getByLabel("The right answer").fill("behind the green shed");
    await page.keyboard.press("Enter");
    await page.locator(".lost").waitFor();
    // It is in the address: whoever opens the link sees the same.
    assert.match(page.url(), /expected=behind/);
    await page.reload();
    await page.locator(".lost").waitFor();
    await close();
  });

  test("every view fits a phone, in the dark too", async () => {
    const phone = { viewport: { width: 390, height: 844 }, colorScheme: "dark" as const };
    const { page, close } = await opened("/ui/home/timeline?stream=kitchen", phone);
    for (const view of [
      ...[
        "timeline?stream=kitchen",
        "ask?q=Where+is+the+tin%3F",
        "streams",
        "learned",
        "dropped",
        "people",
        "storage",
      ],
      ...["forget?person=Ben", "trace?q=Where+is+the+tin%3F"],
    ]) {
      await page.goto(`${served.url}/ui/home/${view}`);
      await page.locator("h1").waitFor();
      await page.locator(".row, .answer, .card, .run, .person, .bars li").first().waitFor();
      const over = await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
      assert.ok(over <= 0, `${view} is ${over} px too wide`);
      const colours = await page.evaluate<string[]>(
        "(({ backgroundColor, color }) => [backgroundColor, color])(getComputedStyle(document.documentElement))",
      );
      const [ground, text] = colours.map((one) => Number(/\d+/.exec(one)![0]));
      assert.ok(ground! < 60 && text! > 180, view);
    }
    await page.goto(`${served.url}/ui/home/timeline?stream=kitchen`);
    await page.locator(".row").first().click();
    await page.locator(".detail-text").waitFor();
    await page.getByRole("button", { name: "Close", exact: true }).click();
    await page.locator(".detail-text").waitFor({ state: "detached" });
    await close();
  });

  test("twenty thousand memories scroll, to any place at once", async () => {
    const directory = join(spaces, "many");
    const memory = await openTaskMem({ directory });
    await fill(memory.store, 20_000);
    await memory.close();
    const { page, close } = await opened("/ui/many/timeline?stream=hall");
    await page.locator(".list-head", { hasText: "20,000 memories" }).waitFor();
    const drawn = await page.locator(".row-place").count();
    assert.ok(drawn < 60, `${drawn} rows are drawn`);
    for (const share of [1, 0.37, 0.75]) {
      await page.evaluate(
        `((rows) => { rows.scrollTop = ${share} * (rows.scrollHeight - rows.clientHeight); })(document.querySelector(".rows"))`,
      );
      const last = `Math.max(...[...document.querySelectorAll(".row-text")].map((row) => /\\d+/.exec(row.textContent)[0]))`;
      await until(page, `Math.abs(${last} / 20000 - ${share}) < 0.01`);
    }
    await page.locator(".jump").fill("12:00:00");
    await page.keyboard.press("Enter");
    await page.locator(".row-text", { hasText: "Event 14400 " }).waitFor();
    await close();
  });

  test("with keys the page asks for one, keeps it for the tab, and shows pictures and films with a ticket", async () => {
    const locked = await serve({ root: spaces, port: 0 });
    const secret = await locked.keys.add({ name: "ui", spaces: ["home"], scopes: ["read", "ask"] });
    try {
      const context = await browser.newContext();
      const page = await context.newPage();
      await page.goto(`${locked.url}/ui/home/timeline?stream=kitchen`);
      await page.getByLabel("Key of this server").fill("tm_0123456789ab_00000000000000000000000000000000");
      await page.keyboard.press("Enter");
      await page.getByText("The server does not know this key.").waitFor();
      await page.getByLabel("Key of this server").fill(secret);
      await page.keyboard.press("Enter");
      await page.locator(".row-frame").first().waitFor();
      await until(page, 'document.querySelector(".row-frame").naturalWidth > 0');
      await page.locator(".row").first().click();
      await until(page, 'document.querySelector("video")?.readyState >= 2');
      const picture = await page.locator(".row-frame").first().getAttribute("src");
      const media = await page.locator("video").getAttribute("src");
      await page.reload();
      await page.locator(".row-frame").first().waitFor();
      const other = await context.newPage();
      await other.goto(`${locked.url}/ui/home/timeline`);
      await other.getByLabel("Key of this server").waitFor();
      await context.close();
      // A ticket reads what is shown, in its space, and nothing else.
      const status = async (path: string, init?: RequestInit) => {
        const response = await fetch(`${locked.url}${path}`, init);
        await response.body?.cancel();
        return response.status;
      };
      const { searchParams } = new URL(picture!, locked.url);
      const ticket = searchParams.get("ticket")!;
      assert.deepEqual([await status(picture!), await status(media!)], [200, 200]);
      assert.equal(await status(picture!.replace(/ticket=.*/, "")), 401);
      assert.equal(await status(`/v1/spaces/home/entries?ticket=${ticket}`), 401);
      assert.equal(await status(`/v1/spaces/home/tickets?ticket=${ticket}`, { method: "POST" }), 401);
      assert.equal(await status(`${picture!.replace("/home/", "/many/")}`), 401);
      assert.equal(await status(picture!.replace(ticket, `9${ticket}`)), 401);
      await locked.keys.remove((await locked.keys.list())[0]!.id);
      await locked.keys.add({ name: "another", spaces: ["home"], scopes: ["read"] });
      assert.equal(await status(picture!), 401);
    } finally {
      for (const { id } of await locked.keys.list()) await locked.keys.remove(id);
      await locked.close();
    }
  });

  test("forgetting shows what would go, and does it once it is confirmed", async () => {
    const { page, close } = await opened("/ui/home/forget");
    await page.getByPlaceholder("any words").fill("sister Clara");
    await page.keyboard.press("Enter");
    await page.waitForURL(/query=sister/);
    await page.getByText("This would go, for good").waitFor();
    await page.locator(".plain-list", { hasText: "Clara arrives" }).waitFor();
    assert.ok(await page.getByRole("button", { name: "Forget it for good" }).isDisabled());
    await page.getByLabel("I have looked at it").check();
    await page.getByRole("button", { name: "Forget it for good" }).click();
    await page.getByRole("heading", { name: "Forgotten" }).waitFor();
    // A recording would still show it.
    const media = await ask("/v1/spaces/home/streams/kitchen/media?from=64");
    assert.deepEqual([media.status, /forgotten/.test(((await media.json()) as Json).detail)], [410, true]);
    await close();
  });
});

/** Memories of a hall, three seconds apart. */
async function fill(store: Memory, count: number): Promise<void> {
  await store.addStream({
    ...{ id: "hall", description: "hall", clipSeconds: 3000, fingerprint: null, clock: { kind: "media" } },
  });
  for (let clip = 0; clip < count / 1000; clip++) {
    await store.addObservation(
      observationOf("hall", clip, { startSeconds: clip * 3000, endSeconds: clip * 3000 + 3000 }),
    );
    await store.commit({
      ...{ stream: "hall", clips: [clip], policy: "choice", revision: "choice@1", stateChange: null },
      statements: Array.from({ length: 1000 }, (_, i) => {
        const n = 1000 * clip + i;
        return {
          ...{ clip, kind: "episodic", startSeconds: 3 * n, endSeconds: 3 * n + 2 },
          ...{ text: `Event ${n} in the hall`, speakers: [], sources: [], frameSeconds: [] },
        };
      }),
    });
  }
}
