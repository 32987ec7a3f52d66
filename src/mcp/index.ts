/** The memory as an MCP server, over standard input and output or HTTP. */
export { type McpHttp, serveMcpHttp } from "./http.ts";
export { type McpOptions, mcpServer, toolNames } from "./server.ts";
