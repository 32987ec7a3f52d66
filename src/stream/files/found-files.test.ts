/** Real folders: links, loops, doubles, what cannot be read. */
import assert from "node:assert/strict";
import { linkSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { DataError } from "../../errors.ts";
import { findFiles } from "./found-files.ts";

const temporary = () => mkdtempSync(join(tmpdir(), "taskmem-found-"));

test("links are followed to files and folders, once, and not in a circle", async () => {
  const [root, elsewhere] = [temporary(), temporary()];
  writeFileSync(join(elsewhere, "far.mp4"), "far");
  mkdirSync(join(elsewhere, "more"));
  writeFileSync(join(elsewhere, "more", "further.mp4"), "further");
  writeFileSync(join(root, "plain.mp4"), "plain");
  mkdirSync(join(root, "inner"));
  symlinkSync(join(elsewhere, "far.mp4"), join(root, "a.mp4"));
  symlinkSync(join(elsewhere, "more"), join(root, "linked"));
  symlinkSync(root, join(root, "inner", "circle"));
  symlinkSync(join(root, "plain.mp4"), join(root, "again.mp4"));
  linkSync(join(root, "plain.mp4"), join(root, "z-hard.mp4"));
  symlinkSync(join(root, "nowhere"), join(root, "broken.mp4"));
  const { files, leftOut, isFolder } = await findFiles([root]);
  assert.ok(isFolder);
  assert.deepEqual(
    files.map(({ name }) => name),
    ["a.mp4", "linked/further.mp4", "plain.mp4"],
  );
  assert.deepEqual(leftOut.map(({ kind, name }) => [kind, name]).sort(), [
    ["link", "again.mp4"],
    ["link", "broken.mp4"],
    ["link", "inner/circle"],
    ["link", "z-hard.mp4"],
  ]);
});

test("a folder that is itself a link, and two links to each other's folder, end", async () => {
  const [a, b, links] = [temporary(), temporary(), temporary()];
  writeFileSync(join(a, "one.mp4"), "1");
  writeFileSync(join(b, "two.mp4"), "2");
  symlinkSync(b, join(a, "to-b"));
  symlinkSync(a, join(b, "to-a"));
  symlinkSync(a, join(links, "start"));
  const { files, leftOut } = await findFiles([join(links, "start")]);
  assert.deepEqual(
    files.map(({ name }) => name),
    ["one.mp4", "to-b/two.mp4"],
  );
  assert.deepEqual(
    leftOut.map(({ kind, name }) => [kind, name]),
    [["link", "to-b/to-a"]],
  );
});

test("empty files and formats that are not read are named; a folder of nothing says what there was", async () => {
  const root = temporary();
  writeFileSync(join(root, "empty.mp4"), "");
  writeFileSync(join(root, "notes.docx"), "notes");
  await assert.rejects(
    findFiles([root]),
    (error: DataError) => error instanceof DataError && /empty\.mp4 is empty/.test(error.message),
  );
  writeFileSync(join(root, "talk.mp4"), "talk");
  const { files, unread, leftOut } = await findFiles([root]);
  assert.deepEqual([files.length, unread], [1, ["notes.docx"]]);
  assert.deepEqual(
    leftOut.map(({ kind, name }) => [kind, name]),
    [["damaged", "empty.mp4"]],
  );
});
