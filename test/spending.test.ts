/** What models cost is kept by day, stream and purpose, and told with a forecast: by the library, and over HTTP. */
import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Reader } from "../src/answer/reader.ts";
import { call, verbs } from "../src/contract/index.ts";
import type { Cost } from "../src/engine.ts";
import { lexicalReader, wordSpace } from "../src/engines/local/index.ts";
import { serve } from "../src/http/index.ts";
import { choicePolicy } from "../src/policies/choice/choice.ts";
import type { Policy } from "../src/policy/policy.ts";
import { costBetween } from "../src/taskmem/spending.ts";
import { openTaskMem } from "../src/taskmem.ts";
import { temporaryFolder } from "./support/cli.ts";

const folder = temporaryFolder();
after(() => rmSync(folder, { recursive: true }));

const cost = (calls: number, none = 0): Cost => ({
  ...{ calls, promptTokens: 1000 * calls, completionTokens: 50 * calls, usd: (calls - none) / 128 },
  pricedBy: { server: calls - none, table: 0, none },
});

const written = choicePolicy({ words: wordSpace });
const policy: Policy = {
  ...written,
  decide: async (context, options) => ({ ...(await written.decide(context, options)), cost: cost(1) }),
};
const local = lexicalReader({ words: wordSpace });
const reader: Reader = {
  ...local,
  read: async (request) => ({ ...(await local.read(request)), cost: cost(2, 1) }),
};

test("what writing and answering cost is kept, summed, and told with a forecast", async () => {
  const root = join(folder, "spaces");
  const directory = join(root, "home");
  const talk = join(folder, "talk.srt");
  const line = (i: number) =>
    `${i + 1}\n00:00:${String(10 * i).padStart(2, "0")},000 --> 00:00:${10 * i + 4},000\nLantern ${i} is in the cellar.\n`;
  writeFileSync(
    talk,
    [0, 1, 2, 3, 4, 5]
      .map(line)
      .join("\n")
      .replaceAll("00:00:00,000 --> 00:00:4,", "00:00:00,000 --> 00:00:04,"),
  );
  const nowMs = Date.now();
  let decisions = 0;
  {
    const own = { policy, reader, adapt: { auto: false }, now: () => nowMs };
    await using memory = await openTaskMem({ directory, ...own });
    for await (const event of memory.watch(talk)) if (event.event === "clip-end") decisions += 1;
    await memory.ask("Where is lantern 2?");
    await memory.ask("Who is the mayor of Leeds?", { record: false });
    const rows = await memory.spent();
    const calls =
      (await memory.store.decisions("talk")).length > 0 ? new Set(rows.map(({ stream }) => stream)) : null;
    assert.deepEqual(calls, new Set([null, "talk"]));
  }
  assert.ok(decisions >= 3);
  await using memory = await openTaskMem({ directory, adapt: { auto: false } });
  const kept = (await memory.spent()).map(({ stream, purpose, calls, unpriced }) => [
    stream,
    purpose,
    calls,
    unpriced,
  ]);
  const [ofNone, answered, wrote] = kept;
  // The declined question is of no one stream.
  assert.deepEqual(
    [ofNone, answered],
    [
      [null, "answer", 2, 1],
      ["talk", "answer", 2, 1],
    ],
  );
  assert.deepEqual([wrote!.slice(0, 2), wrote![3]], [["talk", "write"], 0]);
  // A week of it, so that there is a rate.
  for (let day = 1; day <= 6; day++)
    await memory.store.addSpent({
      ...{ stream: "talk", purpose: "write", atMs: nowMs - day * 86_400_000 },
      cost: cost(100),
    });
  const { output, text } = await call(memory, verbs.costs, {});
  assert.equal(output.total.calls, 604 + Number(wrote![2]));
  assert.deepEqual(
    output.streams.map(({ stream }) => stream ?? null),
    ["talk", null],
  );
  assert.match(text, /604|60\d calls, .* tokens, \$4\.\d+; the price of 2 calls is unknown/);
  assert.equal(output.total.unpriced, 2);
  const today = (await call(memory, verbs.costs, { days: 1 })).output;
  assert.deepEqual([today.total.calls, today.days.length], [4 + Number(wrote![2]), 3]);
  await memory.close();
  const served = await serve({ root, port: 0 });
  try {
    const told = await (await fetch(`${served.url}/v1/spaces/home/costs`)).json();
    assert.deepEqual((told as typeof output).total, output.total);
  } finally {
    await served.close();
  }
});

test("the forecast is the rate of the last week, once there was an hour of it", async () => {
  await using memory = await openTaskMem({ directory: join(folder, "young"), adapt: { auto: false } });
  await memory.remember("The ferry leaves at six.");
  await memory.store.addSpent({ stream: null, purpose: "learn", atMs: Date.now(), cost: cost(5) });
  const young = (await call(memory, verbs.costs, {})).output;
  assert.deepEqual([young.forecast, young.streams[0]!.perDay], [undefined, undefined]);
  for (let day = 0; day < 20; day++)
    await memory.store.addSpent({
      ...{ stream: null, purpose: "learn", atMs: Date.now() - day * 86_400_000 },
      cost: cost(100),
    });
  const { forecast, total } = (await call(memory, verbs.costs, {})).output;
  assert.equal(total.calls, 2005);
  // Seven days of 100 calls, of which today is not over: between a seventh and a sixth of their cost a day.
  assert.ok(
    forecast!.usdPerDay > 100 / 128 - 0.01 && forecast!.usdPerDay < (7.05 * 100) / 128 / 6 + 0.01,
    String(forecast!.usdPerDay),
  );
  assert.equal(forecast!.usdIn30Days, 30 * forecast!.usdPerDay);
});

test("what was spent between two readings is their difference", () => {
  assert.deepEqual(costBetween(cost(2, 1), cost(5, 2)), cost(3, 1));
});
