/** `taskmem mcp`: the memory as tools of any MCP host. Over standard output it writes nothing but the protocol. */
import { once } from "node:events";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { ConfigError, isTaskMemError } from "../../errors.ts";
import { type McpOptions, mcpServer, serveMcpHttp } from "../../mcp/index.ts";
import type { TaskMem } from "../../taskmem.ts";
import type { Invocation } from "../invocation.ts";
import { openFor } from "../open.ts";

interface McpFlags {
  readonly http?: number | true;
  readonly record: boolean;
  readonly readOnly?: boolean;
}

const defaultPort = 3132;

export async function run(invocation: Invocation): Promise<void> {
  const { output, signal, options } = invocation;
  const { http, record, readOnly = false } = options as unknown as McpFlags;
  await using memory = await openFor(invocation, { mustExist: readOnly, readOnly });
  const how: McpOptions = { record: record && !readOnly, write: !readOnly };
  if (http === undefined) {
    await overStdio(memory, how, signal);
    return;
  }
  const port = http === true ? defaultPort : http;
  const server = await serveMcpHttp(memory, port, how).catch((cause) => {
    if (isTaskMemError(cause)) throw cause;
    throw new ConfigError(
      "port-taken",
      `Cannot listen at 127.0.0.1:${port}: ${cause.message}. Name another port.`,
      {
        cause,
      },
    );
  });
  output.note(`listening at ${server.url}`);
  if (!signal.aborted) await once(signal, "abort");
  await server.close();
}

/** Ends with the host, which closes the input, or by a signal. */
async function overStdio(memory: TaskMem, how: McpOptions, signal: AbortSignal): Promise<void> {
  const ended = new Promise((resolve) => {
    for (const event of ["end", "close"]) process.stdin.once(event, resolve);
    signal.addEventListener("abort", resolve, { once: true });
  });
  const handle = serveStdio(() => mcpServer(memory, how));
  if (!signal.aborted) await ended;
  await handle.close();
}
