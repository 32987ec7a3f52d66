import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Clip } from "./clip.ts";
import { openSource } from "./open-source.ts";
import { pictureLooker } from "./picture-look.ts";

const folder = mkdtempSync(join(tmpdir(), "taskmem-look-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const plain = (value: number, changed = 0, to = 0) =>
  Uint8Array.from({ length: 100 }, (_, i) => (i < changed ? to : value));

test("tells brightness and the share that changed, about once a second", () => {
  const look = pictureLooker();
  assert.deepEqual(look(plain(51), 0), { atSeconds: 0, brightness: 0.2, changed: null });
  assert.equal(look(plain(200), 0.5), null);
  // 25 of 100 cells went from 51 to 255: brightness (75 · 51 + 25 · 255) / 100 / 255 = 0.4.
  assert.deepEqual(look(plain(51, 25, 255), 1), { atSeconds: 1, brightness: 0.4, changed: 0.25 });
  // A change of 14 of 255 is noise.
  assert.equal(look(plain(65, 25, 241), 2)!.changed, 0);
});

test("clips carry looks, and what their container says of size and date", async () => {
  const path = join(folder, "moves.mp4");
  const made = spawnSync("ffmpeg", [
    ...["-v", "error", "-y", "-f", "lavfi", "-i", "color=black:s=320x180:r=10:d=6"],
    ...["-f", "lavfi", "-i", "testsrc2=s=320x180:r=10:d=6"],
    ...["-filter_complex", "[0][1]concat=n=2", "-pix_fmt", "yuv420p"],
    ...["-metadata", "creation_time=2023-10-23T14:05:00Z", path],
  ]);
  assert.equal(made.status, 0, made.stderr.toString());
  const clips: Clip[] = [];
  for await (const item of (await openSource(path)).open()) if (item.kind === "clip") clips.push(item);
  const looks = clips.flatMap(({ looks = [] }) => looks);
  assert.deepEqual(
    looks.map(({ atSeconds }) => Math.round(atSeconds)),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
  );
  assert.ok(looks.slice(0, 6).every(({ brightness, changed }) => brightness < 0.1 && !changed));
  assert.ok(looks.slice(7).every(({ brightness, changed }) => brightness > 0.3 && changed! > 0.05));
  assert.deepEqual(
    clips.map(({ recording }) => recording),
    [0, 10].map((second) => ({
      ...{ width: 320, height: 180 },
      recordedAtMs: Date.UTC(2023, 9, 23, 14, 5, second),
    })),
  );
});
