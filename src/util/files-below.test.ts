import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after, test } from "node:test";
import { filesBelow } from "./files-below.ts";

const folder = mkdtempSync(join(tmpdir(), "taskmem-below-"));
after(() => rmSync(folder, { recursive: true, force: true }));

function tree(name: string): { root: string; names: () => string[]; unreadable: () => string[] } {
  const root = join(folder, name);
  mkdirSync(join(root, "a", "deep"), { recursive: true });
  mkdirSync(join(folder, `${name}-elsewhere`), { recursive: true });
  for (const file of ["b.txt", "a/c.txt", "a/deep/d.txt"]) writeFileSync(join(root, file), "x");
  writeFileSync(join(folder, `${name}-elsewhere`, "far.txt"), "x");
  const below = (paths: string[]) => paths.map((path) => relative(root, path));
  return {
    root,
    names: () => below(filesBelow(root).files),
    unreadable: () => below(filesBelow(root).unreadable),
  };
}

test("files and linked files are found, and those of a linked folder", () => {
  const { root, names } = tree("linked");
  symlinkSync(join(folder, "linked-elsewhere"), join(root, "far"));
  symlinkSync(join(folder, "linked-elsewhere", "far.txt"), join(root, "one.txt"));
  assert.deepEqual(names(), ["a/c.txt", "a/deep/d.txt", "b.txt", "far/far.txt", "one.txt"]);
});

test("links in circles are not followed, and a folder is read once, under its own name", () => {
  const { root, names } = tree("circles");
  symlinkSync("..", join(root, "a", "up"));
  symlinkSync(root, join(root, "a", "deep", "root"));
  symlinkSync("a", join(root, "0-before-a"));
  symlinkSync("self", join(root, "self"));
  symlinkSync("pong", join(root, "ping"));
  symlinkSync("ping", join(root, "pong"));
  symlinkSync(join(folder, "circles-elsewhere"), join(root, "far"));
  symlinkSync(root, join(folder, "circles-elsewhere", "back"));
  assert.deepEqual(names(), ["a/c.txt", "a/deep/d.txt", "b.txt", "far/far.txt"]);
});

test("what cannot be opened is named, and the rest is read", () => {
  const { root, names, unreadable } = tree("broken");
  symlinkSync("nowhere", join(root, "broken"));
  symlinkSync("self", join(root, "self"));
  assert.deepEqual(names(), ["a/c.txt", "a/deep/d.txt", "b.txt"]);
  assert.deepEqual(unreadable(), ["broken", "self"]);
});

test("a folder that is not there is the system's error", () => {
  assert.throws(() => filesBelow(join(folder, "none")), { code: "ENOENT" });
});
