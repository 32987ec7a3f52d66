import assert from "node:assert/strict";
import { test } from "node:test";
import type { LeftOut } from "../memory/memory.ts";
import { leftOutLines, whyEmpty } from "./left-out.ts";

const item = (kind: LeftOut["kind"], name: string | null, reason: string): LeftOut => ({
  kind,
  name,
  reason,
});

test("many of a kind do not hide the others", () => {
  const files = Array.from({ length: 9 }, (_, i) => item("file", `${i}.doc`, "It is no medium."));
  assert.deepEqual(leftOutLines([...files, item("sound", null, "The sound was not transcribed.")]), [
    "0.doc: It is no medium.",
    "1.doc: It is no medium.",
    "2.doc: It is no medium.",
    "And 6 more files.",
    "The sound was not transcribed.",
  ]);
});

test("a name that the reason holds is not repeated, and one more is shown rather than counted", () => {
  const four = [1, 2, 3, 4].map((n) => item("track", `${n}`, `Track ${n} is French.`));
  assert.deepEqual(
    leftOutLines(four),
    four.map(({ reason }) => reason),
  );
});

test("an empty memory says what to do, a stream without entries why it has none", () => {
  assert.match(whyEmpty([]).join("\n"), /nothing was watched yet.*taskmem watch/);
  const stream = { id: "talk", leftOut: [item("sound", null, "The sound was not transcribed.")] };
  const floor = { text: "42 s of video; one shot." };
  assert.deepEqual(whyEmpty([{ stream, failures: [], floor }]), [
    "Nothing is remembered of talk but this: 42 s of video; one shot.",
    "The sound was not transcribed.",
  ]);
  const plain = { stream: { id: "talk", leftOut: [] }, floor: null };
  assert.match(whyEmpty([{ ...plain, failures: [] }])[1]!, /nothing that the policy keeps/);
  const failures = [{ message: "The endpoint refused the key." }];
  assert.match(whyEmpty([{ ...plain, failures }])[1]!, /1 of its clips.*refused the key/);
});
