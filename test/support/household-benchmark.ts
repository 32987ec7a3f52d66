/** A small Video-MME of made-up households: its official rows, its folders, films and subtitles of our own. */
import { copyFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  askAbout,
  createEpisode,
  episodeSeed,
  type FactKind,
  renderEpisode,
} from "../../src/household/index.ts";
import { seededRandom } from "../../src/util/random.ts";

export interface HouseholdTree {
  readonly root: string;
  readonly videos: readonly string[];
  readonly questions: number;
}

/** Films of `clips` 10 s clips with two questions of each kind; speech in `subtitle/`, what is seen beside the film. */
export async function householdVideoMme(
  root: string,
  {
    films = 3,
    clips = 6,
    kinds = ["wear", "place"],
  }: { films?: number; clips?: number; kinds?: readonly FactKind[] } = {},
): Promise<HouseholdTree> {
  for (const folder of ["data", "subtitle", "made"]) mkdirSync(join(root, folder), { recursive: true });
  const rows: unknown[] = [];
  const videos: string[] = [];
  for (let film = 0; film < films; film++) {
    const videoID = `household-${film}`;
    const episode = createEpisode(episodeSeed("validation", film), clips);
    const questions = askAbout(episode, seededRandom(`bench ${film}`), { perKind: 2, kinds });
    const made = await renderEpisode(episode, join(root, "made"), { name: videoID });
    renameSync(made.video, join(root, "data", `${videoID}.mp4`));
    copyFileSync(made.descriptions!, join(root, "data", `${videoID}.descriptions.srt`));
    renameSync(made.subtitles, join(root, "subtitle", `${videoID}.srt`));
    videos.push(videoID);
    for (const [i, { kind, text, options, answer }] of questions.entries()) {
      rows.push({
        video_id: String(film + 1).padStart(3, "0"),
        duration: ["short", "medium", "long"][film % 3],
        domain: "Household",
        sub_category: "Made up",
        url: `https://example.org/${videoID}`,
        videoID,
        question_id: `${String(film + 1).padStart(3, "0")}-${i + 1}`,
        task_type: kind,
        question: text,
        options: options.map((option) => `${option.letter}. ${option.text}`),
        answer,
      });
    }
  }
  rmSync(join(root, "made"), { recursive: true });
  writeFileSync(join(root, "videomme.json"), JSON.stringify(rows));
  return { root, videos, questions: rows.length };
}
