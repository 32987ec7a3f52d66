/** Engines that need no model and no network: the word space, a spelling embedder, a reader that counts words. */
export { localEmbedder, spellingEmbedder } from "./embedder.ts";
export { type LexicalReaderOptions, lexicalReader } from "./lexical-reader.ts";
export { nameStems, wordSpace } from "./words.ts";
