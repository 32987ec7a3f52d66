/** MCP over streamable HTTP on this machine alone: requests for another host or from another origin are refused. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createMcpHandler } from "@modelcontextprotocol/server";
import { Turns } from "../contract/index.ts";
import type { TaskMem } from "../taskmem.ts";
import { optionalPackage } from "../util/optional.ts";
import { type McpOptions, mcpServer } from "./server.ts";

/** A server that listens. */
export interface McpHttp {
  /** `http://127.0.0.1:PORT/mcp`. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves a memory at a port; 0 takes a free one.
 * @throws ConfigError `package-missing` without the optional packages; Error where the port is taken
 */
export async function serveMcpHttp(
  memory: TaskMem,
  port: number,
  options: McpOptions = {},
): Promise<McpHttp> {
  const { getRequestListener } = await optionalPackage("@hono/node-server", "for MCP over HTTP");
  const { createMcpHonoApp } = await optionalPackage("@modelcontextprotocol/hono", "for MCP over HTTP");
  const turns = new Turns(memory);
  const handler = createMcpHandler(() => mcpServer(memory, { turns, ...options }));
  const app = createMcpHonoApp();
  app.all("/mcp", (context) =>
    handler.fetch(context.req.raw, { parsedBody: context.get("parsedBody" as never) }),
  );
  const server = createServer(getRequestListener(app.fetch));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}
