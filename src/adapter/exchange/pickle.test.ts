import assert from "node:assert/strict";
import { test } from "node:test";
import { isTaskMemError } from "../../errors.ts";
import { readPickle } from "./pickle.ts";

/** What Python would run when it loads the pickle: `os.system("touch …")`. */
const hostile = Buffer.from("\x80\x02cos\nsystem\nX\x07\x00\x00\x00touch x\x85R.", "latin1");

test("a pickle is data: what Python would call is named, never called", () => {
  let read: unknown;
  try {
    read = readPickle(hostile);
  } catch (error) {
    assert.ok(isTaskMemError(error, "adapter-invalid"), String(error));
    return;
  }
  assert.match(JSON.stringify(read), /system.*touch x/);
});
