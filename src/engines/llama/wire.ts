/** What this process and the one that runs llama.cpp say to each other, one message after the other. */

/** What is loaded, and how. */
export interface LlamaLoad {
  /** llama.cpp as a module of Node. */
  readonly binding: string;
  /** GGUF file of the model. */
  readonly model: string;
  /** GGUF file of its eyes; `null` for a model without. */
  readonly projector: string | null;
  /** Most tokens of a prompt and its answer together; the model's own length bounds it. */
  readonly contextTokens: number;
  readonly threads: number | null;
  /** Blocks that a GPU computes; `null` leaves it to llama.cpp. */
  readonly gpuLayers: number | null;
}

/** A model that is loaded. */
export interface LlamaAbout {
  readonly contextTokens: number;
  readonly images: boolean;
}

/** A message; where a picture stands, the text has `pictureMark`. */
export interface LlamaMessage {
  readonly role: "system" | "user";
  /** One text: of several parts, llama.cpp would put each on a line of its own. */
  readonly content: string;
}

/** What stands for a picture in a message: llama.cpp's default. */
export const pictureMark = "<__media__>";

/** One request for one text. */
export interface LlamaAsk {
  readonly messages: readonly LlamaMessage[];
  /** Pictures in the order of their marks, as data URLs. */
  readonly pictures: readonly string[];
  /** JSON schema that holds the answer to its form. */
  readonly schema: Readonly<Record<string, unknown>> | null;
  /** Whether it reasons first, where its chat template can tell it. */
  readonly thinking: boolean | null;
  /** Sampling as llama.cpp names it. */
  readonly sampling: Readonly<Record<string, number>>;
  /** Most tokens of the answer. */
  readonly maxTokens: number;
  /** GGUF files of LoRAs that it writes with. */
  readonly loras: readonly { readonly path: string; readonly scaled: number }[];
}

/** A text, what it cost and how long it took. */
export interface LlamaAnswer {
  readonly text: string;
  readonly finish: "stop" | "length" | "other";
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Tokens of the prompt that were computed, those kept from the one before left out, and what they took. */
  readonly read: { readonly tokens: number; readonly ms: number };
  readonly written: { readonly tokens: number; readonly ms: number };
}

/** To the process. */
export type LlamaRequest =
  | { readonly type: "load"; readonly load: LlamaLoad }
  | { readonly type: "ask"; readonly ask: LlamaAsk }
  | { readonly type: "stop" };

/** From the process. */
export type LlamaReply =
  | { readonly type: "loaded"; readonly about: LlamaAbout }
  /** A token was written. */
  | { readonly type: "token" }
  | { readonly type: "answer"; readonly answer: LlamaAnswer }
  /** The request is refused, and would be again. */
  | {
      readonly type: "refused";
      readonly code: "context-overflow" | "model-unreadable" | "picture-unreadable" | "adapter-mismatch";
      readonly message: string;
      readonly details?: Readonly<Record<string, unknown>>;
    };
