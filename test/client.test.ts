/**
 * The typed client against a running server: it is what the server's description says now, does what the routes do, tells
 * refusals by their codes, follows changes, and waits for operations.
 */
import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { clientFile, clientSource } from "../scripts/client.ts";
import { ServerError, type TaskMemClient, taskMemClient } from "../src/client/index.ts";
import { routes } from "../src/client/operations.ts";
import { Keys, type Served, serve } from "../src/http/index.ts";
import { temporaryFolder } from "./support/cli.ts";

const folder = temporaryFolder();
after(() => rmSync(folder, { recursive: true }));

test("src/client/operations.ts is what scripts/client.ts makes of the description", () => {
  assert.equal(readFileSync(clientFile, "utf8"), clientSource(), "run node scripts/client.ts");
});

test("what runs of it imports nothing but its own file, and is small", () => {
  const dist = join(import.meta.dirname, "../dist/client");
  const source = ["index.js", "operations.js"].map((name) => readFileSync(join(dist, name), "utf8"));
  const imported = source.flatMap((text) => Array.from(text.matchAll(/from "([^"]+)"/g), ([, from]) => from));
  assert.deepEqual(imported, ["./operations.js"]);
  assert.ok(gzipSync(source.join("\n")).length < 2500);
});

describe("the client of a running server", () => {
  const root = join(folder, "spaces");
  let served: Served;
  let home: TaskMemClient;
  let url: string;
  before(async () => {
    served = await serve({ root, port: 0, requestsPerSecond: 1000 });
    url = served.url;
    await fetch(`${url}/v1/spaces/home`, { method: "PUT" });
    const scopes = ["read", "ask", "write", "forget", "learn"] as const;
    const key = await (await Keys.open(root)).add({ name: "test", spaces: ["home"], scopes: [...scopes] });
    home = taskMemClient({ url: `${url}/`, space: "home", key });
  });
  after(() => served.close());

  test("keeps, asks, finds, shows, corrects, explains and forgets", async () => {
    const { entry } = await home.remember({ text: "The spare key hangs behind the blue door." });
    const again = { idempotencyKey: "once" };
    await home.remember({ text: "The gate code is 4711." }, again);
    assert.equal((await home.remember({ text: "The gate code is 4711." }, again)).duplicate, true);
    const asked = await home.ask({ question: "Where does the spare key hang?" });
    assert.match(asked.answer, /blue door/);
    assert.equal(asked.citations[0]!.entry, entry);
    const found = await home.recall({ query: "spare key", limit: 1 });
    assert.equal(found.entries[0]!.entry, entry);
    const page = await home.timeline({ limit: 1, streams: ["remembered"] });
    assert.equal(page.entries.length, 1);
    const next = await home.timeline({ limit: 1, streams: ["remembered"], cursor: page.next });
    assert.notEqual(next.entries[0]!.entry, page.entries[0]!.entry);
    assert.equal((await home.evidence({ entry })).entry.text, "The spare key hangs behind the blue door.");
    const right = { task: asked.task!, verdict: "right" } as const;
    assert.deepEqual(await home.feedback(right), right);
    assert.equal((await home.tasks()).tasks[0]!.feedback!.verdict, "right");
    const why = await home.explain({ question: "Who rang?", expected: "the postman" });
    assert.equal(why.outcome, "never-perceived");
    const would = await home.forget({ entries: [entry] });
    assert.equal((await home.forget({ entries: [entry], confirm: would.confirm })).done, true);
  });

  test("pushes items, and follows what changes from where it stopped", async () => {
    const stop = new AbortController();
    const seen: string[] = [];
    let last: string | undefined;
    const following = (async () => {
      for await (const { id, event, data } of home.changes({ signal: stop.signal })) {
        if (event !== "entry") continue;
        seen.push(String(data.entry));
        last = id;
        stop.abort();
      }
    })();
    // The first change may come before the server listens, so facts are kept until one is told.
    for (let i = 0; seen.length === 0; i++) {
      await home.remember({ text: `Fact number ${i}.` });
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await following;
    const { items } = await home.push({ stream: "door", items: [{ text: "The bell rang.", id: "1" }] });
    assert.deepEqual([items[0]!.late, items[0]!.duplicate], [false, false]);
    const resumed = new AbortController();
    const entries = { since: last!, types: ["entry"], signal: resumed.signal };
    for await (const { event, data } of home.changes(entries)) {
      assert.equal(event, "entry");
      assert.notEqual(data.entry, seen[0]);
      resumed.abort();
    }
  });

  test("waits for an operation, and lists and stops them", async () => {
    const begun = await home.learn();
    assert.equal(begun.state, "running");
    const end = await home.ended(begun, { everyMs: 50 });
    assert.equal(end.state, "done");
    assert.equal((end.result as { activated: boolean }).activated, false);
    assert.equal((await home.operations()).operations[0]!.operation, begun.operation);
    const other = await home.learn();
    assert.equal((await home.cancel({ operation: other.operation })).state, "cancelled");
    assert.equal(await home.picture("a".repeat(64)), null);
  });

  test("tells refusals by their codes, and every operation has a function", async () => {
    const refusals: [() => Promise<unknown>, number, string][] = [
      [() => home.ask({ question: "" }), 400, "input-invalid"],
      [() => home.ask({ question: "Where?", streams: ["none"] }), 404, "stream-unknown"],
      [() => home.evidence({ entry: "a/b c" }), 404, "entry-unknown"],
      [() => home.overview({ stream: "none" }), 404, "stream-unknown"],
      [() => taskMemClient({ url, space: "home" }).streams(), 401, "unauthorized"],
    ];
    for (const [asked, status, code] of refusals)
      await assert.rejects(asked, (error) => {
        assert.ok(error instanceof ServerError);
        assert.deepEqual([error.status, error.code], [status, code]);
        return true;
      });
    for (const name of Object.keys(routes))
      assert.equal(typeof home[name as keyof typeof routes], "function");
    // @ts-expect-error a field that the contract does not have
    await assert.rejects(home.recall({ query: "key", user: "other" }), { code: "input-invalid" });
  });
});
