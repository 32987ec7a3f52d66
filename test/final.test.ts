/** The final split is opened once a release, and the opening is written down before anything is measured. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { measureHousehold, type OpenOptions, openFinal } from "../scripts/final.ts";
import { createOutput } from "../src/cli/output.ts";
import type { Episodes } from "../src/household/splits.ts";
import { temporaryFolder } from "./support/cli.ts";

const now = new Date("2026-12-01T23:00:00Z");

/** A repository of one commit. */
function repository() {
  const root = temporaryFolder();
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b", ...args], {
      cwd: root,
      encoding: "utf8",
    });
  const release = (version: string) => {
    writeFileSync(join(root, "package.json"), JSON.stringify({ version }));
    git("add", ".");
    git("commit", "-qm", version);
  };
  mkdirSync(join(root, "perf"));
  git("init", "-q");
  release("1.0.0");
  const log = () =>
    readFileSync(join(root, "perf/final.jsonl"), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
  const open = (measure: OpenOptions["measure"], resume = false) => openFinal({ root, now, resume, measure });
  return { root, release, log, open, commit: () => git("rev-parse", "HEAD").trim() };
}

test("a release opens the final split once; the next release opens it again", async () => {
  const { release, log, open, commit } = repository();
  const first = { release: "1.0.0", commit: commit(), date: "2026-12-01" };
  await open(async () => {
    assert.deepEqual(log(), [{ ...first, result: null }], "written down before it is measured");
    return { right: 1 };
  });
  assert.deepEqual(log(), [{ ...first, result: { right: 1 } }]);
  const never = () => assert.fail("measured again");
  for (const resume of [false, true])
    await assert.rejects(open(never, resume), {
      code: "final-opened",
      message: /opened the final split on 2026-12-01 .* once a release/,
    });
  release("1.1.0");
  await open(async () => ({ right: 2 }));
  assert.deepEqual(
    log().map((one) => [one.release, one.result]),
    [
      ["1.0.0", { right: 1 }],
      ["1.1.0", { right: 2 }],
    ],
  );
});

test("an opening that was stopped is continued at its commit only", async () => {
  const { root, release, log, open } = repository();
  const stopped = () => Promise.reject(new Error("stopped"));
  await assert.rejects(open(stopped), /^Error: stopped/);
  assert.equal(log()[0].result, null);
  await assert.rejects(open(stopped), { code: "final-opened", message: /continue with --resume/ });
  await open(async () => ({ right: 3 }), true);
  assert.deepEqual(log()[0].result, { right: 3 });

  release("2.0.0");
  await assert.rejects(open(stopped), /^Error: stopped/);
  writeFileSync(join(root, "other.ts"), "");
  release("2.0.0");
  await assert.rejects(open(stopped, true), { code: "final-opened", message: /once a release/ });
});

test("code that is not committed is not measured", async () => {
  const { root, open } = repository();
  writeFileSync(join(root, "recipe.ts"), "");
  await assert.rejects(
    open(() => assert.fail("measured")),
    { code: "final-uncommitted", message: /recipe\.ts/ },
  );
});

test("what a release measures runs from film to verdict, on a split that is no use's", async () => {
  const { root, log, open } = repository();
  const episodes = { split: "rehearsal" as Episodes["split"], from: 0, episodes: 3 };
  const size = { films: 3, clips: 3, questionsPerKind: 3 };
  await open((opening) =>
    measureHousehold(opening, {
      ...{
        episodes,
        size,
        name: "choice",
        runs: join(root, "runs"),
        resume: false,
        output: createOutput(true),
      },
    }),
  );
  const { verdict, rows, gain } = log()[0].result;
  assert.match(
    verdict,
    /^TaskMem − Phase One: [+−][\d.]+ points \[.*\], significantly above zero in \d of 5 kinds$/,
  );
  assert.deepEqual([...new Set(rows.map((row: { policy: string }) => row.policy))], ["Phase One", "TaskMem"]);
  assert.ok(gain.overall.n > 20 && gain.overall.low <= gain.overall.gain);
});
