/**
 * The prompt template of the preset `taskmem-checkpoint`: our own wording of what the released checkpoint was trained
 * with. A text, the video of the window, a text; one JSON object with `description`; the memories of the window as
 * running text; the supplement behind the form of the answer.
 *
 * Tags and subtitles are painted on the frames, as the checkpoint saw them. Departure: what is not painted stands in the
 * prompt, so that nothing is lost: print, captions, and speech that no font here can write or that is too long.
 */
export const checkpointTemplate = `=== user ===
You are given the last part of a video, and the description of what came before its newest clip, which may be empty. People who are recognised are marked by ids such as <face_1>, and what is said stands in it as subtitles.

{video}

The newest clip runs from {start} to {end}. Describe it in detail and as one coherent text: what can be seen, and what plainly follows from it.
- What the people look like; what they do and how they move; what is said, with the words that matter quoted; and their roles, feelings and relations, as the events show them.
- A person with an id is referred to by that id alone, written exactly as it is given. People without an id may be left out. If one person has several ids, use the one that is on the screen now.
- Continue the description of what came before and repeat nothing of it: cover only what it does not. If it is empty, begin with what is there.
- Do not begin with words such as "The video". Leave out an action or a sentence that the end of the clip cuts off.
- One or two sentences.

What was heard and read, with times:
{unpainted}

People recognised in the clip:
{people}

Answer with one JSON object with the single key "description", whose value is the text.

{supplement}

Description of what came before:

{earlier_text}

Your last answer was:
{answer}
It could not be used: {problem}. Answer again, in the form asked for.
`;
