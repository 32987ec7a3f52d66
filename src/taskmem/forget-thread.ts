/** The thread in which a large memory on disk forgets. */
import { wordSpace } from "../engines/local/index.ts";
import { answerForgetting } from "../memory/forget-apart.ts";

answerForgetting(wordSpace);
