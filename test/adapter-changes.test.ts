/**
 * What an adapter changes, before and after it is promoted: by the library, the command line and HTTP.
 */
import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Served, serve } from "../src/http/index.ts";
import { openTaskMem, type TaskMem } from "../src/taskmem.ts";
import { taskmem, temporaryFolder } from "./support/cli.ts";
import { keepWordAdapter } from "./support/word-adapter.ts";

const folder = temporaryFolder();
after(() => rmSync(folder, { recursive: true }));
const root = join(folder, "spaces");
const directory = join(root, "home");
const settings = { adapt: { auto: false }, embedder: { meaning: "off" }, choice: { budget: 0.35 } } as const;

const tin =
  "So I would say that the spare key is now, as far as I can tell, over there in the blue tin, if you want to know where it is.";
const said = [
  "The caravan goes to Whitby harbour after the wedding of the mayor's eldest daughter.",
  "We saw seventeen herons, a kingfisher, two otters and a marsh harrier near the old weir.",
  "Grandmother's recipe wants cardamom, saffron, almonds, orange peel and a little rose water.",
  "The plumber replaced the boiler, the radiator valve, and the cracked basin upstairs.",
  "Professor Lindqvist lectures on Byzantine mosaics, Coptic textiles and Ottoman tiles tonight.",
  tin,
];

describe("what an adapter changes", () => {
  let memory: TaskMem;
  let served: Served;
  before(async () => {
    memory = await openTaskMem({ directory, ...settings });
    const talk = join(folder, "talk.srt");
    const at = (second: number) =>
      `00:${String(Math.floor(second / 60)).padStart(2, "0")}:${String(second % 60).padStart(2, "0")},000`;
    const lines = [0, 30].flatMap((from) => said.map((text, i) => [from + i * 5, text] as const));
    writeFileSync(
      talk,
      lines.map(([from, text], i) => `${i + 1}\n${at(from)} --> ${at(from + 4)}\nAnn: ${text}\n`).join("\n"),
    );
    await memory.watch(talk);
    await keepWordAdapter(memory, "adapter_keys", ["spare key blue tin"]);
    served = await serve({ root, port: 0, spaces: settings });
  });
  after(async () => {
    await served.close();
    await memory.close();
  });

  test("before its promotion: what it would keep, drop, and leave, decision by decision", async () => {
    const told = await memory.adapters.diff({ adapter: "adapter_keys" });
    assert.deepEqual([told.beforeAdapter, told.afterAdapter], [null, "adapter_keys"]);
    assert.match(told.after, /^choice@1.*\+/);
    assert.equal(told.decisions.length, 2);
    const [first] = told.decisions;
    assert.deepEqual([first!.startSeconds, first!.endSeconds], [0, 30]);
    assert.deepEqual(first!.onlyAfter, [`Ann: ${tin}`]);
    assert.ok(first!.onlyBefore.length > 0, "something gives way");
    // Without an adapter it is what was really kept.
    const kept = (await memory.store.entries({ toSeconds: 30 })).map(({ text }) => text);
    assert.deepEqual([...first!.both, ...first!.onlyBefore].sort(), kept.sort());
    const all = [...first!.both, ...first!.onlyBefore, ...first!.onlyAfter, ...first!.neither];
    assert.equal(all.length, said.length, "every line is told once");
    assert.equal(told.keptByBoth, told.decisions.flatMap(({ both }) => both).length);
    const amount = told.decisions.flatMap(({ both, onlyAfter }) => [...both, ...onlyAfter]).length;
    assert.equal(told.keptAfter.memories, amount);
    const late = await memory.adapters.diff({ adapter: "adapter_keys", fromSeconds: 31 });
    assert.deepEqual(
      late.decisions.map(({ startSeconds }) => startSeconds),
      [30],
    );
    const last = await memory.adapters.diff({ adapter: "adapter_keys", lastSeconds: 20 });
    assert.equal(last.decisions.length, 1);
    await assert.rejects(memory.adapters.diff({ adapter: "none" }), { code: "adapter-missing" });
    await assert.rejects(memory.adapters.diff({ streams: ["none"] }), { code: "stream-unknown" });
  });

  test("after its promotion: beside what it replaced", async () => {
    await memory.adapters.promote("adapter_keys");
    const told = await memory.adapters.diff();
    assert.deepEqual([told.beforeAdapter, told.afterAdapter], [null, "adapter_keys"]);
    assert.ok(told.decisions[0]!.onlyAfter.includes(`Ann: ${tin}`));
    await keepWordAdapter(memory, "adapter_birds", ["herons kingfisher otters harrier weir"]);
    await memory.adapters.promote("adapter_birds");
    const next = await memory.adapters.diff();
    assert.deepEqual([next.beforeAdapter, next.afterAdapter], ["adapter_keys", "adapter_birds"]);
    assert.ok(next.decisions[0]!.onlyBefore.includes(`Ann: ${tin}`));
    const none = await memory.adapters.diff({ adapter: "adapter_keys", against: "adapter_keys" });
    assert.deepEqual(
      none.decisions.flatMap(({ onlyBefore, onlyAfter }) => [...onlyBefore, ...onlyAfter]),
      [],
    );
    assert.equal(await memory.adapters.rollback(), "adapter_keys");
  });

  test("by the command line and by HTTP", async () => {
    const flags = ["--memory", directory, "--budget", "0.35", "--meaning", "off"];
    const shown = await taskmem(["adapt", "diff", ...flags]);
    assert.match(shown.stdout, /They differ in 2 of 2 decisions/);
    assert.match(shown.stdout, /\n {2}\+ “Ann: So I would say that the spare key/);
    assert.match(shown.stdout, /\n {2}- “Ann: /);
    const { rows } = await taskmem(["adapt", "diff", "--with", "none", ...flags, "--json"]);
    const { event, ...told } = rows[0]!;
    assert.equal(event, "adapt-diff");
    const post = async (path: string, body: object) =>
      fetch(`${served.url}/v1/spaces/home${path}`, {
        ...{ method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) },
      });
    const begun = await post("/adapters/adapter_keys/diff", { against: "none" });
    assert.equal(begun.status, 202);
    const at = `${served.url}${begun.headers.get("location")}`;
    for (;;) {
      const operation = (await (await fetch(at)).json()) as { state: string; result: unknown };
      if (operation.state === "running") continue;
      assert.deepEqual([operation.state, operation.result], ["done", told]);
      break;
    }
    const wrong = await post("/adapters/adapter_keys/diff", { lastSeconds: -1 });
    assert.equal(wrong.status, 400);
    const back = await post("/adapters/rollback", {});
    assert.deepEqual([back.status, await back.json()], [200, {}]);
    const forth = await post("/adapters/adapter_keys/promote", {});
    assert.deepEqual(await forth.json(), { active: "adapter_keys" });
    assert.equal((await memory.adapters.active())!.id, "adapter_keys");
    assert.equal((await post("/adapters/none/promote", {})).status, 404);
  });
});
