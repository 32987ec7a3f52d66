/**
 * A small server that really speaks the OpenAI protocol: chat with pictures, schemas and samples, embeddings, speech.
 *
 * It decodes what it is sent and answers from it, so that a test can tell by the answer what arrived; or a model in this
 * process answers chats. Chats are streamed where that is asked for. Faults are chosen per request: error statuses, hanging, a body cut in the middle, a body that is
 * not JSON, any content.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createCanvas, loadImage } from "@napi-rs/canvas";
import type { GenerateRequest, Generation, Model, Part } from "../../src/engine.ts";
import { betweenPictures } from "../../src/engines/openai/chat.ts";

export type Json = Record<string, unknown>;

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Mean red, green and blue, 0 to 255. */
  readonly colour: readonly [number, number, number];
}

/** One request as the server understood it. */
export interface ServerRequest {
  /** Counts all requests but those for the list of models and for `/props`, from 0. */
  readonly index: number;
  readonly path: string;
  readonly authorization: string | undefined;
  /** The JSON body, or the fields of the form. */
  readonly body: Json;
  /** All text of a chat, system included, one part a line, but for what stands between pictures of one run. */
  readonly text: string;
  readonly pictures: readonly Picture[];
  /** Seconds of 16 kHz mono PCM in the uploaded WAV. */
  readonly audioSeconds: number | null;
}

export type Fault =
  | {
      readonly kind: "status";
      readonly status: number;
      readonly message?: string;
      readonly retryAfter?: string;
    }
  /** Says nothing, or only the head of the answer. */
  | { readonly kind: "hang"; readonly afterHead?: boolean }
  /** The connection is lost in the middle of the body. */
  | { readonly kind: "cut" }
  /** A body that is not JSON. */
  | { readonly kind: "malformed" }
  /** A body that is another JSON. */
  | { readonly kind: "body"; readonly body: unknown }
  /** Whatever else. */
  | { readonly kind: "answer"; readonly respond: (response: ServerResponse) => void }
  /** A sound answer that says this. */
  | { readonly kind: "content"; readonly content: string }
  /** A chat completion, streamed if that is asked for. */
  | { readonly kind: "chat"; readonly body: Json };

/** What a server may not be able to do; it refuses with a 400 that names it. */
export type Inability =
  | "n"
  | "response_format"
  | "logprobs"
  | "images"
  | "video_url"
  | "max_tokens"
  | "stream"
  | "stream_options"
  | "maxLength";

export interface ServerOptions {
  readonly models: readonly string[];
  /** Decides each request's fault; the answer waits for it. */
  readonly faults?: (request: ServerRequest) => Fault | undefined | Promise<undefined>;
  readonly refuses?: readonly Inability[];
  /** What the list of models says of each, beside its name. */
  readonly card?: Json;
  /** The answer to `GET /props`, as llama-server has it. @default none */
  readonly props?: unknown;
  /** Keys accepted; all without it. A refusal repeats the key, as hosted servers do. */
  readonly apiKey?: string;
  /** Numbers in an embedding. @default 8 */
  readonly dimension?: number;
  /** Formats of transcripts taken. @default all */
  readonly transcriptFormats?: readonly string[];
  readonly segments?: readonly Json[];
  /** Whether chats are streamed on request; otherwise the request for it is ignored. @default true */
  readonly streams?: boolean;
  /** Answers chats, for any model name: texts as they were sent, each run of pictures as one run of frames. */
  readonly model?: Pick<Model, "generate">;
}

export interface OpenAiServer {
  readonly baseURL: string;
  readonly requests: readonly ServerRequest[];
  /** The most chats that were being answered at once. */
  readonly mostAtOnce: () => number;
  setFaults(faults: ServerOptions["faults"]): void;
  close(): Promise<void>;
}

class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export async function startOpenAiServer(options: ServerOptions): Promise<OpenAiServer> {
  let { faults } = options;
  const requests: ServerRequest[] = [];
  let atOnce = 0;
  let mostAtOnce = 0;

  async function answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(message.url!, "http://server").pathname;
    if (message.method === "GET" && path === "/v1/models") {
      const card = { object: "model", created: 0, owned_by: "test", ...options.card };
      return send(response, 200, { object: "list", data: options.models.map((id) => ({ id, ...card })) });
    }
    if (message.method === "GET") {
      const props = path === "/props" ? options.props : undefined;
      return props === undefined
        ? send(response, 404, errorBody(`No route ${path}`))
        : send(response, 200, props);
    }
    const read = { index: requests.length, path, authorization: message.headers.authorization };
    const request = await readRequest(message, read);
    requests.push(request);
    const fault = await faults?.(request);
    if (fault && fault.kind !== "content" && fault.kind !== "chat") return fail(response, fault);
    checkRequest(request, options);
    if (path === "/v1/chat/completions") {
      const answer = await chatAnswer(request, fault, options.model);
      const isStreamed = request.body.stream === true && options.streams !== false;
      return isStreamed ? sendStream(response, chunksOf(answer, request.body)) : send(response, 200, answer);
    }
    if (path === "/v1/embeddings")
      return send(response, 200, embeddingsAnswer(request, options.dimension ?? 8));
    const format = String(request.body.response_format);
    const transcript = transcriptAnswer(request, format, options.segments);
    if (format !== "text") return send(response, 200, transcript);
    response.writeHead(200, { "content-type": "text/plain" });
    response.end(transcript.text);
  }

  const server = createServer(async (message, response) => {
    mostAtOnce = Math.max(mostAtOnce, ++atOnce);
    response.on("close", () => atOnce--);
    try {
      await answer(message, response);
    } catch (error) {
      const status = error instanceof Refusal ? error.status : 500;
      send(response, status, errorBody((error as Error).message));
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    baseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    mostAtOnce: () => mostAtOnce,
    setFaults: (chosen) => {
      faults = chosen;
    },
    close: async () => {
      if (!server.listening) return;
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

/** Sends chunks as the events of a stream, and its end. */
export function sendStream(response: ServerResponse, chunks: readonly Json[]): void {
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
  for (const chunk of chunks) response.write(eventOf(chunk));
  response.end("data: [DONE]\n\n");
}

/** One event of a stream. */
export const eventOf = (chunk: unknown) => `data: ${JSON.stringify(chunk)}\n\n`;

/** A chat completion in pieces, as vLLM sends it: a role, a word each, the end of each choice, and the usage if wanted. */
export function chunksOf(answer: Json, { stream_options }: Json): Json[] {
  const { choices, usage, prompt_token_ids, ...shared } = answer as Json & { choices: Json[] };
  const chunk = (own: Json): Json => ({ ...shared, object: "chat.completion.chunk", ...own });
  const pieces = choices.flatMap((choice, index) =>
    piecesOf(choice).map((piece) => chunk({ choices: [{ index, ...piece }] })),
  );
  const wantsUsage = (stream_options as { include_usage?: boolean } | undefined)?.include_usage === true;
  const [first, ...rest] = pieces;
  return [
    { ...first, ...(prompt_token_ids !== undefined && { prompt_token_ids }) },
    ...rest,
    ...(wantsUsage ? [chunk({ choices: [], usage })] : []),
  ];
}

interface WholeChoice {
  readonly message: { readonly content: string | null } & Json;
  readonly finish_reason?: string;
  readonly logprobs?: { readonly content: readonly Json[] } | null;
  readonly token_ids?: readonly number[];
}

function piecesOf(choice: Json): Json[] {
  const { message, finish_reason = "stop", logprobs, token_ids } = choice as unknown as WholeChoice;
  const { content, role = "assistant", ...thinking } = message;
  const deltas = Object.entries(thinking).flatMap(([name, text]) =>
    wordsOf(String(text)).map((word) => ({ delta: { [name]: word } })),
  );
  const said = logprobs
    ? logprobs.content.map((token) => ({
        delta: { content: token.token },
        logprobs: { content: [token] },
      }))
    : groupsOf(wordsOf(content ?? "")).map((words) => ({ delta: { content: words } }));
  return [
    { delta: { role, content: "" } },
    ...deltas,
    ...said,
    { delta: {}, finish_reason, ...(token_ids && { token_ids }) },
  ];
}

/** Under load servers put several tokens into one event: here, so that there are at most 2000. */
function groupsOf(words: readonly string[]): string[] {
  const size = Math.ceil(words.length / 2000);
  const count = size === 0 ? 0 : Math.ceil(words.length / size);
  return Array.from({ length: count }, (_, i) => words.slice(i * size, (i + 1) * size).join(""));
}

const wordsOf = (text: string) => text.match(/\s*\S+|\s+/g) ?? [];

const errorBody = (message: string) => ({ error: { message, type: "invalid_request_error", code: null } });

function fail(response: ServerResponse, fault: Exclude<Fault, { kind: "content" | "chat" }>): void {
  if (fault.kind === "answer") {
    fault.respond(response);
  } else if (fault.kind === "body") {
    send(response, 200, fault.body);
  } else if (fault.kind === "status") {
    if (fault.retryAfter) response.setHeader("retry-after", fault.retryAfter);
    send(response, fault.status, errorBody(fault.message ?? `fault ${fault.status}`));
  } else if (fault.kind === "malformed") {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(firstHalf);
  } else if (fault.kind === "cut" || fault.afterHead) {
    response.writeHead(200, { "content-type": "application/json", "content-length": 2 * firstHalf.length });
    response.write(firstHalf, () => {
      if (fault.kind === "cut") response.destroy();
    });
  }
}

const firstHalf = '{"id": "half", "object": "chat.completion", "choices": [{"ind';

type Read = Pick<ServerRequest, "index" | "path" | "authorization">;

async function readRequest(message: IncomingMessage, read: Read): Promise<ServerRequest> {
  const bytes = Buffer.concat(await message.toArray());
  const type = message.headers["content-type"] ?? "";
  const none = { text: "", pictures: [], audioSeconds: null };
  if (type.startsWith("multipart/form-data")) {
    const form = await new Response(bytes, { headers: { "content-type": type } }).formData();
    const { file, ...body } = Object.fromEntries(form);
    if (!(file instanceof Blob)) throw new Refusal(400, "Expected a form with a file");
    const audioSeconds = wavSeconds(Buffer.from(await file.arrayBuffer()));
    return { ...read, ...none, body, audioSeconds };
  }
  const body = JSON.parse(bytes.toString()) as Json;
  const parts = ((body.messages as { content: unknown }[] | undefined) ?? []).flatMap(({ content }) =>
    typeof content === "string" ? [{ type: "text", text: content }] : (content as Json[]),
  ) as WirePart[];
  const urls = parts.flatMap(({ image_url, video_url }) => image_url?.url ?? video_url?.url ?? []);
  const pictures = await Promise.all(urls.flatMap(jpegsOf).map(look));
  const text = parts
    .filter((_, i) => !isBetweenPictures(parts, i))
    .flatMap((part) => part.text ?? [])
    .join("\n");
  return { ...read, ...none, body, text, pictures };
}

/** The pictures of a data URL; vLLM's frame lists hold several, separated by commas. */
function jpegsOf(url: string): Buffer[] {
  const match = /^data:(?:image|video)\/jpeg;base64,(.+)$/s.exec(url);
  if (!match) throw new Refusal(400, `Expected a data URL of JPEG, got ${url.slice(0, 40)}`);
  return match[1]!.split(",").map((data) => Buffer.from(data, "base64"));
}

async function look(jpeg: Buffer): Promise<Picture> {
  const image = await loadImage(jpeg).catch(() => {
    throw new Refusal(400, "Failed to load image or audio file"); // llama-server's words
  });
  const { width, height } = image;
  const context = createCanvas(width, height).getContext("2d");
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  const mean = (channel: number) => {
    let sum = 0;
    for (let i = channel; i < data.length; i += 4) sum += data[i]!;
    return Math.round(sum / (width * height));
  };
  return { width, height, colour: [mean(0), mean(1), mean(2)] };
}

function wavSeconds(file: Buffer): number {
  const isWav = file.toString("latin1", 0, 4) === "RIFF" && file.toString("latin1", 8, 16) === "WAVEfmt ";
  const format = [20, 22, 34].map((offset) => file.readUInt16LE(offset)).join();
  if (!isWav || format !== "1,1,16" || file.readUInt32LE(24) !== 16_000) {
    throw new Refusal(400, "Expected a WAV of 16 kHz mono PCM");
  }
  const dataBytes = file.readUInt32LE(40);
  if (file.length !== 44 + dataBytes || file.readUInt32LE(4) !== file.length - 8) {
    throw new Refusal(400, `Expected the WAV's lengths to agree with its ${file.length} bytes`);
  }
  return dataBytes / 2 / 16_000;
}

/** @throws Refusal naming what this server does not do */
function checkRequest({ path, body, pictures, authorization }: ServerRequest, options: ServerOptions) {
  const { refuses = [], models, apiKey, transcriptFormats } = options;
  if (apiKey !== undefined && authorization !== `Bearer ${apiKey}`) {
    throw new Refusal(401, `Incorrect API key provided: ${authorization?.slice("Bearer ".length)}`);
  }
  if (!["/v1/chat/completions", "/v1/embeddings", "/v1/audio/transcriptions"].includes(path)) {
    throw new Refusal(404, `No route ${path}`);
  }
  if (!models.includes(String(body.model))) throw new Refusal(404, `The model ${body.model} does not exist`);
  for (const field of [
    "n",
    "response_format",
    "logprobs",
    "max_tokens",
    "stream_options",
    "stream",
  ] as const) {
    if (refuses.includes(field) && path === "/v1/chat/completions" && body[field] !== undefined) {
      const instead = field === "max_tokens" ? ". Use 'max_completion_tokens' instead." : "";
      throw new Refusal(400, `Unsupported parameter: '${field}' is not supported with this model${instead}`);
    }
  }
  if (
    refuses.includes("maxLength") &&
    /"max(Length|Items)"/.test(JSON.stringify(body.response_format ?? ""))
  ) {
    throw new Refusal(400, "Invalid schema for response_format 'note': 'maxLength' is not permitted.");
  }
  if (refuses.includes("video_url") && JSON.stringify(body).includes('"video_url"')) {
    throw new Refusal(400, "unknown content part type: video_url");
  }
  if (refuses.includes("images") && pictures.length > 0) {
    throw new Refusal(400, `${body.model} is not a multimodal model`);
  }
  if (
    transcriptFormats &&
    body.response_format &&
    !transcriptFormats.includes(String(body.response_format))
  ) {
    throw new Refusal(400, `response_format '${body.response_format}' is not compatible with model`);
  }
}

async function chatAnswer(
  request: ServerRequest,
  fault: Extract<Fault, { kind: "content" | "chat" }> | undefined,
  model: ServerOptions["model"],
): Promise<Json> {
  if (fault?.kind === "chat") return fault.body;
  if (model && !fault) return generatedAnswer(request, await model.generate(asGeneration(request)));
  return ownAnswer(request, fault?.content);
}

function ownAnswer(request: ServerRequest, content: string | undefined): Json {
  const { body, text, pictures, index } = request;
  const format = body.response_format as { json_schema: { schema: Json } } | undefined;
  const sentence = memoryOf(request);
  const said = content ?? (format ? JSON.stringify(filled(format.json_schema.schema, sentence)) : sentence);
  const tokens = wordsOf(said);
  const n = Number(body.n ?? 1);
  const promptTokens = Math.ceil(text.length / 4) + 85 * pictures.length;
  const choices = Array.from({ length: n }, (_, i) => ({
    index: i,
    message: { role: "assistant", content: said },
    finish_reason: "stop",
    logprobs: body.logprobs ? { content: tokens.map((token) => ({ token, logprob: -0.25 })) } : null,
  }));
  return {
    id: `chat-${index}`,
    object: "chat.completion",
    created: 0,
    model: body.model,
    choices,
    usage: {
      prompt_tokens: promptTokens,
      completion_tokens: n * tokens.length,
      total_tokens: promptTokens + n * tokens.length,
    },
  };
}

interface WirePart {
  readonly type?: string;
  readonly text?: string;
  readonly image_url?: { readonly url: string };
  readonly video_url?: { readonly url: string };
}

interface WireMessage {
  readonly role: string;
  readonly content: string | readonly WirePart[];
}

/** Whether a text only keeps two pictures of one run apart. */
function isBetweenPictures(parts: readonly WirePart[], i: number): boolean {
  return (
    betweenPictures.test(parts[i]!.text ?? "") && Boolean(parts[i - 1]?.image_url && parts[i + 1]?.image_url)
  );
}

/** A chat as a model in this process is asked. */
function asGeneration({ body }: ServerRequest): GenerateRequest {
  const parts: Part[] = [];
  let system = "";
  for (const { role, content } of body.messages as WireMessage[]) {
    const sent = typeof content === "string" ? [{ text: content }] : content;
    if (role === "system") system += sent.map(({ text = "" }) => text).join("\n");
    else for (const [i, part] of sent.entries()) if (!isBetweenPictures(sent, i)) addPart(parts, part);
  }
  const format = body.response_format as { json_schema: { name: string; schema: Json } } | undefined;
  const number = (field: string) => (body[field] === undefined ? undefined : Number(body[field]));
  const sampling = {
    temperature: number("temperature"),
    topP: number("top_p"),
    topK: number("top_k"),
    maxTokens: number("max_tokens") ?? number("max_completion_tokens"),
    seed: number("seed"),
  };
  const given = Object.entries(sampling).filter(([, value]) => value !== undefined);
  return {
    ...(system !== "" && { system }),
    parts,
    n: Number(body.n ?? 1),
    sampling: Object.fromEntries(given),
    logprobs: body.logprobs === true,
    ...(format && { schema: format.json_schema }),
  };
}

/** Adds a part of a message; a picture that follows a picture joins its run, a second later. */
function addPart(parts: Part[], sent: WirePart): void {
  const url = sent.image_url?.url ?? sent.video_url?.url;
  if (url === undefined) {
    parts.push({ type: "text", text: sent.text ?? "" });
    return;
  }
  const last = parts.at(-1);
  const before = last?.type === "video" ? last.frames : [];
  if (last?.type === "video") parts.pop();
  const frames = jpegsOf(url).map((jpeg, i) => ({ atSeconds: before.length + i, jpeg }));
  parts.push({ type: "video", frames: [...before, ...frames] });
}

function generatedAnswer({ body, index }: ServerRequest, { completions, cost }: Generation): Json {
  return {
    id: `chat-${index}`,
    object: "chat.completion",
    created: 0,
    model: body.model,
    choices: completions.map(({ text, thinking, finish, tokens }, i) => ({
      index: i,
      message: {
        role: "assistant",
        content: text,
        ...(thinking !== null && { reasoning_content: thinking }),
      },
      finish_reason: finish,
      logprobs: tokens && {
        content: tokens.texts.map((token, place) => ({ token, logprob: tokens.logprobs[place] })),
      },
    })),
    usage: {
      prompt_tokens: cost.promptTokens,
      completion_tokens: cost.completionTokens,
      total_tokens: cost.promptTokens + cost.completionTokens,
    },
  };
}

/** What was seen and last said, and of which clip, as one sentence. */
function memoryOf({ text, pictures }: ServerRequest): string {
  const spoken = text.match(/\p{Lu}\p{L}+(?: says)?: .+/gu)?.at(-1);
  const [red, green, blue] = pictures.at(-1)?.colour ?? [0, 0, 0];
  const start = /The clip runs from (\S+)/.exec(text)?.[1];
  const seen = `${start ? `From ${start} ` : ""}${pictures.length} pictures were shown, the last of mean colour ${red} ${green} ${blue}`;
  return spoken ? `${seen}, and ${spoken}` : seen;
}

/** A value that meets a JSON schema: strings are the sentence, arrays hold one item, numbers are the least allowed. */
function filled(schema: Json, sentence: string, root: Json = schema): unknown {
  if (typeof schema.$ref === "string") {
    const keys = schema.$ref.split("/").slice(1);
    return filled(
      keys.reduce<Json>((at, key) => at[key] as Json, root),
      sentence,
      root,
    );
  }
  if ("const" in schema) return schema.const;
  if (Array.isArray(schema.enum)) return schema.enum[0];
  const alternatives = (schema.anyOf ?? schema.oneOf) as Json[] | undefined;
  if (alternatives) return filled(alternatives[0]!, sentence, root);
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  if (type === "string")
    return sentence.slice(0, (schema.maxLength as number | undefined) ?? sentence.length);
  if (type === "number" || type === "integer") return schema.minimum ?? 0;
  if (type === "boolean") return true;
  if (type === "array") return [filled(schema.items as Json, sentence, root)];
  if (type !== "object") return null;
  const properties = Object.entries((schema.properties ?? {}) as Record<string, Json>);
  return Object.fromEntries(properties.map(([name, property]) => [name, filled(property, sentence, root)]));
}

/** Vectors of letter counts, not normalised, in reverse order of their `index`. */
function embeddingsAnswer({ body }: ServerRequest, dimension: number): Json {
  const texts = body.input as string[];
  if (body.encoding_format !== "float") throw new Refusal(400, "Expected encoding_format float");
  if (texts.some((text) => text === "")) throw new Refusal(400, "'$.input' is invalid: an empty string");
  const data = texts.map((text, index) => {
    const embedding = new Array<number>(dimension).fill(0);
    for (const letter of text) embedding[letter.codePointAt(0)! % dimension]! += 1;
    return { object: "embedding", index, embedding };
  });
  const tokens = Math.ceil(texts.join("").length / 4);
  const usage = { prompt_tokens: tokens, total_tokens: tokens };
  return { object: "list", model: body.model, data: data.reverse(), usage };
}

function transcriptAnswer(request: ServerRequest, format: string, segments: readonly Json[] | undefined) {
  const { audioSeconds, body } = request;
  if (audioSeconds === null) throw new Refusal(400, "Expected a form with a file");
  const heard = segments ?? [{ start: 0, end: audioSeconds, text: ` ${audioSeconds} seconds were heard` }];
  const text = heard.map((segment) => String(segment.text).trim()).join(" ");
  const details = { task: "transcribe", language: body.language ?? "en", duration: audioSeconds };
  return format === "verbose_json" ? { ...details, text, segments: heard } : { text };
}
