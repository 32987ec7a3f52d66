/**
 * Server-sent events, as chat completions are streamed (HTML standard, section 9.2).
 *
 * Ours instead of a package: only the data of an event is of use here, its bytes have a limit, and what keeps a connection
 * alive must be told apart. Lines end with LF or CRLF; no server of this protocol ends them with CR alone.
 */

/** Takes the events of a streamed answer. */
export interface EventReader {
  /** Reads the JSON of one event; returns whether it brings anything new. @throws Refusal, EngineError */
  read(event: unknown): boolean;
  /**
   * The whole answer, after the last event.
   * @param isDone whether the server said that it is over (`[DONE]`)
   * @throws EngineError `bad-response` for an answer that is not whole
   */
  end(isDone: boolean): unknown;
}

/**
 * The data of each event; `null` for what only keeps the connection alive (a comment).
 *
 * Older llama-servers send a field `error` with an error object: it comes as data that holds it under this name.
 */
export async function* readEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<string | null> {
  let data: string[] = [];
  for await (const line of linesOf(body)) {
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line)!;
    if (field === "data") data.push(value!);
    else if (field === "error") data.push(`{"error": ${value}}`);
    else if (line !== "") yield null;
    else if (data.length > 0) {
      yield data.join("\n");
      data = [];
    }
  }
  if (data.length > 0) yield data.join("\n");
}

async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let line = "";
  for await (const chunk of body) {
    const [first, ...others] = decoder.decode(chunk, { stream: true }).split("\n");
    line += first;
    for (const next of others) {
      yield line.replace(/\r$/, "");
      line = next;
    }
  }
  if (line !== "") yield line;
}
