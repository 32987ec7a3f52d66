/** ffmpeg's error lines of each kind give a sentence that says what to do, and never a secret of the URL. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connectionProblem, withoutSecrets } from "./connection-problem.ts";

const url = "rtsp://anna:geheim@cam.example:554/door?token=abc";
const of = (stderr: string, at = url) => connectionProblem(stderr, { url: at, device: null });
const ofDevice = (stderr: string, device = "v4l2", at = "/dev/video9") =>
  connectionProblem(stderr, { url: at, device });

test("a connection that is refused, a missing host and a missing path are told apart", () => {
  const refused = of(
    `[tcp @ 0x1] Connection to tcp://cam.example:554?timeout=0 failed: Connection refused\n${url}: Connection refused`,
  );
  assert.match(refused!.reason, /nothing listens at cam\.example:554/);
  const nobody = of(
    `[tcp @ 0x1] Failed to resolve hostname cam.example: Name or service not known\n${url}: Input/output error`,
  );
  assert.match(nobody!.reason, /no host named cam\.example/);
  const missing = of(
    `[rtsp @ 0x1] method DESCRIBE failed: 404 Not Found\n${url}: Server returned 404 Not Found`,
  );
  assert.match(missing!.reason, /nothing at \/door \(404\)/);
  assert.ok([refused, nobody, missing].every((problem) => problem!.isLasting === false));
});

test("a wrong password and a missing one say which part of the URL to change, once and for all", () => {
  const said = `[rtsp @ 0x1] method DESCRIBE failed: 401 Unauthorized\n${url}: Server returned 401 Unauthorized (authorization failed)`;
  const wrong = of(said)!;
  assert.match(wrong.reason, /refuses the user name or the password.*USER:PASSWORD before @cam\.example:554/);
  assert.match(of(said, "rtsp://cam.example/door")!.reason, /asks for a user name and a password/);
  assert.equal(wrong.isLasting, true);
});

test("what answers but is no stream, and servers that refuse or fail", () => {
  assert.match(of(`${url}: Invalid data found when processing input`)!.reason, /neither video nor audio/);
  assert.match(of(`${url}: End of file`)!.reason, /without sending anything/);
  assert.match(of(`${url}: Connection timed out`)!.reason, /did not answer in time/);
  assert.match(of(`${url}: Server returned 403 Forbidden (access denied)`)!.reason, /forbidden \(403\)/);
  assert.match(of(`${url}: Server returned 5XX Server Error reply`)!.reason, /failed \(5xx\)/);
  assert.equal(of("Error while decoding stream #0:0: Invalid data found when processing input"), null);
});

test("a protocol or a kind of device that this ffmpeg does not have is not tried again", () => {
  const protocol = connectionProblem("foo://x/y: Protocol not found\nDid you mean file:foo://x/y?", {
    url: "foo://x/y",
    device: null,
  });
  assert.ok(protocol!.isLasting && /no foo:\/\/ URLs/.test(protocol!.reason));
  const device = ofDevice("Unknown input format: 'avfoundation'", "avfoundation", "0");
  assert.ok(device!.isLasting && /no avfoundation devices/.test(device!.reason));
});

test("a device that is missing, in use or not allowed", () => {
  const missing = ofDevice(
    "[video4linux2,v4l2 @ 0x1] Cannot open video device /dev/video9: No such file or directory\n/dev/video9: No such file or directory",
  );
  assert.match(missing!.reason, /no v4l2 device \/dev\/video9/);
  assert.match(ofDevice("[v4l2 @ 0x1] ioctl: Device or resource busy")!.reason, /another program uses/);
  assert.match(ofDevice("Cannot open video device /dev/video0: Permission denied")!.reason, /may not open/);
});

test("words in the URL are not taken for what ffmpeg says", () => {
  const at = "https://ssl.example:401/404/end";
  assert.match(of(`${at}: Connection refused`, at)!.reason, /nothing listens/);
  assert.match(of(`${at}: End of file`, at)!.reason, /without sending anything/);
});

test("no reason holds a user name, a password or a token", () => {
  const kinds =
    "error 401|error 403|error 404|error 503|Server returned 4XX|Server returned 5XX|Connection refused|Failed to resolve hostname|" +
    "No route to host|timed out|certificate|Connection reset|End of file|Invalid data found|Protocol not found";
  for (const kind of kinds.split("|")) {
    const { reason } = of(`${url}: ${kind} `)!;
    assert.doesNotMatch(reason, /anna|geheim|abc/, kind);
  }
  assert.equal(withoutSecrets(`${url}#part`), "rtsp://cam.example:554/door");
});
