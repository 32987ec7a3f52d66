/** An endpoint that fails in the middle of a stream, in every way of the tests and some more. */
import { mkdtempSync, rmSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { canaryKey } from "../support/canary.ts";
import { type EndpointFault, meetFault, endpointFaults as usualFaults } from "../support/endpoint-faults.ts";
import type { Fault, ServerRequest } from "../support/openai-server.ts";
import type { SoakRow } from "./table.ts";

const json = { "content-type": "application/json" };
const kind = (name: string, code: 0 | 4, fault: EndpointFault["fault"]): EndpointFault => ({
  name,
  code,
  fault,
});
const respond =
  (act: (response: ServerResponse, key: string) => void) =>
  ({ authorization = "" }: ServerRequest): Fault => ({
    kind: "answer",
    respond: (response) => act(response, authorization),
  });
const sends = (code: number, headers: Record<string, string>, content: string | Buffer) =>
  respond((response) => response.writeHead(code, { ...json, ...headers }).end(content));
const body = (value: unknown) => sends(200, {}, JSON.stringify(value));
const choice = (message: unknown, finish_reason = "stop") => ({
  ...{ id: "c", object: "chat.completion", choices: [{ index: 0, message, finish_reason }] },
});
const says = (content: unknown, finish?: string) => body(choice({ role: "assistant", content }, finish));

/** Refusals repeat the key, as those of hosted servers do. */
const statuses = [405, 408, 409, 410, 415, 418, 425, 451, 501, 504, 529].map((status) =>
  kind(`${status}`, 4, ({ authorization }) => ({
    kind: "status",
    status,
    message: `sent: ${authorization}`,
  })),
);

const moreFaults: readonly EndpointFault[] = [
  ...statuses,
  kind("null", 4, body(null)),
  kind("a list", 4, body([])),
  kind("no choices", 4, body({ ...choice(null), choices: [] })),
  kind("choices that are null", 4, body({ ...choice(null), choices: null })),
  kind("a message that is null", 4, body(choice(null))),
  kind("a content that is null", 0, says(null)),
  kind("only blanks", 0, says(" \n\t ")),
  kind("an apology", 0, says("I'm sorry, but I can't help with that.")),
  kind("a text cut at its length", 0, says('{"description": "Mira puts the ket', "length")),
  kind("a filtered text", 0, says("", "content_filter")),
  kind("an error of status 200 with the key", 4, ({ authorization }) => ({
    ...{ kind: "body", body: { error: { message: `bad ${authorization}` } } },
  })),
  kind(
    "a page with the key",
    4,
    respond((response, key) => {
      response
        .writeHead(200, { "content-type": "text/html" })
        .end(`<html><body>Sign in. ${key}</body></html>`);
    }),
  ),
  kind(
    "the key, packed",
    4,
    respond((response, key) => {
      response
        .writeHead(200, { ...json, "content-encoding": "gzip" })
        .end(gzipSync(JSON.stringify({ sent: key })));
    }),
  ),
  kind("a redirect in a circle", 4, sends(307, { location: "/v1/chat/completions" }, "")),
  kind("bytes that are no text", 4, sends(200, {}, Buffer.from([0x7b, 0xff, 0xfe, 0x00, 0x7d]))),
  kind("a wrong compression", 4, sends(200, { "content-encoding": "gzip" }, "no gzip")),
];

/** All kinds of faults by name. */
export const faults: ReadonlyMap<string, EndpointFault> = new Map(
  [...usualFaults, ...moreFaults].map((fault) => [fault.name, fault]),
);

/** Watches a stream through each fault and after it: every clip is remembered in the end, and the key is in no byte. */
export async function faultRuns(
  names: Iterable<string> = faults.keys(),
  log: (line: string) => void = () => {},
): Promise<SoakRow[]> {
  const keyBefore = process.env.TASKMEM_API_KEY;
  process.env.TASKMEM_API_KEY = canaryKey;
  const folder = mkdtempSync(join(tmpdir(), "taskmem-faults-"));
  const rows: SoakRow[] = [];
  try {
    for (const name of names) {
      const fault = faults.get(name)!;
      const { codes, stored, failed, leaks } = await meetFault(fault, join(folder, String(rows.length)));
      const isAsSaid = codes[0] === fault.code && codes[1] === 0;
      const wrong = [
        ...leaks.map((place) => `the key is in ${place}`),
        ...(isAsSaid ? [] : [`it ended with ${codes.join(", then ")}, not with ${fault.code}, then 0`]),
      ];
      rows.push({ kind: `endpoint: ${name}`, runs: 1, lost: 6 - stored + failed, wrong });
      log(`${name}: ${stored} of 6 clips`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
    if (keyBefore === undefined) delete process.env.TASKMEM_API_KEY;
    else process.env.TASKMEM_API_KEY = keyBefore;
  }
  return rows;
}
