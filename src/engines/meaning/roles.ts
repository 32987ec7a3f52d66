/** What encoders want before a text, by its role, as the cards of their models say. */

/** What is put before what is asked, and before what is kept. */
export interface RolePrefixes {
  readonly query: string;
  readonly passage: string;
}

const asked = "Represent this sentence for searching relevant passages: ";

/** The first row whose words stand in a model's name. */
const families: readonly (readonly [RegExp, RolePrefixes])[] = [
  [/\be5\b.*instruct/i, { query: "Instruct: Find what answers the question\nQuery: ", passage: "" }],
  [/(?:^|[/_-])(?:multilingual-)?e5(?:[/_-]|$)/i, { query: "query: ", passage: "passage: " }],
  [/nomic-embed-text/i, { query: "search_query: ", passage: "search_document: " }],
  [
    /bge-(?:small|base|large)-en|mxbai-embed|arctic-embed-(?:xs|s|m|l)(?!.*v2)/i,
    { query: asked, passage: "" },
  ],
  [/arctic-embed.*v2/i, { query: "query: ", passage: "" }],
  [/qwen3-embedding/i, { query: "Instruct: Find what answers the question\nQuery:", passage: "" }],
  [/embeddinggemma/i, { query: "task: search result | query: ", passage: "title: none | text: " }],
];

/** The prefixes of a model, by its name; none for one that is not known. */
export function rolePrefixes(model: string): RolePrefixes {
  return families.find(([name]) => name.test(model))?.[1] ?? { query: "", passage: "" };
}
