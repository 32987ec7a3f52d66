/** A server whose answer depends on what an adapter in the request comes to, as a real one's would. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after } from "node:test";

/** The body of a chat request. */
export type Body = Record<string, unknown> & { messages: { content: { text?: string }[] }[] };

/** A server whose greedy answer depends on what a function makes of the request. */
export interface Steerable {
  readonly baseURL: string;
  readonly bodies: Body[];
  readonly paths: string[];
}

const servers: Server[] = [];
after(() => {
  for (const server of servers) server.close();
});

/**
 * Starts one. With a schema it answers with a memory; otherwise with a sentence that a strength above 1 changes.
 * @param strengthOf what steers the answer, by the body; an error is answered as a 500; @param gets answers to GET and other POST, by path
 */
export async function steerable(
  strengthOf: (body: Body) => number,
  gets: Readonly<Record<string, unknown>> = {},
): Promise<Steerable> {
  const bodies: Body[] = [];
  const paths: string[] = [];
  const server = createServer(async (request, response) => {
    const path = new URL(request.url!, "http://server").pathname;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const send = (status: number, body: unknown) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(body));
    };
    paths.push(path);
    if (path in gets) return send(200, gets[path]);
    if (path !== "/v1/chat/completions") return send(404, { error: { message: "no such path" } });
    const body = JSON.parse(Buffer.concat(chunks).toString()) as Body;
    bodies.push(body);
    let strength: number;
    try {
      strength = strengthOf(body);
    } catch (error) {
      return send(500, { error: { message: (error as Error).message, code: 500 } });
    }
    const sentence = strength > 1 ? "Far from the kitchen." : "The kettle boils.";
    const content = body.response_format ? JSON.stringify({ description: sentence }) : sentence;
    const logprobs = { content: [{ token: "The", logprob: -1 - strength / 10 }] };
    return send(200, {
      id: "one",
      choices: [{ message: { content }, finish_reason: "stop", ...(body.logprobs ? { logprobs } : {}) }],
      usage: { prompt_tokens: 5, completion_tokens: 4 },
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { baseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, bodies, paths };
}
