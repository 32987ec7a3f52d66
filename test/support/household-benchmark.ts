/** Small benchmarks of made-up households: official rows, folders and names, films and subtitles of our own. */
import { copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  askAbout,
  createEpisode,
  type Episode,
  episodeSeed,
  type FactKind,
  type HouseholdQuestion,
  renderEpisode,
  subtitlesOf,
} from "../../src/household/index.ts";
import { seededRandom } from "../../src/util/random.ts";

/** A film, and what is true of it. */
export interface HouseholdFilm {
  readonly episode: Episode;
  readonly video: string;
}

export interface HouseholdTree {
  readonly root: string;
  readonly videos: readonly string[];
  readonly films: readonly HouseholdFilm[];
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
  const shown: HouseholdFilm[] = [];
  for (let film = 0; film < films; film++) {
    const videoID = `household-${film}`;
    const episode = createEpisode(episodeSeed("validation", film), clips);
    const questions = askAbout(episode, seededRandom(`bench ${film}`), { perKind: 2, kinds });
    const made = await renderEpisode(episode, join(root, "made"), { name: videoID });
    renameSync(made.video, join(root, "data", `${videoID}.mp4`));
    copyFileSync(made.descriptions!, join(root, "data", `${videoID}.descriptions.srt`));
    renameSync(made.subtitles, join(root, "subtitle", `${videoID}.srt`));
    videos.push(videoID);
    shown.push({ episode, video: join(root, "data", `${videoID}.mp4`) });
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
  return { root, videos, films: shown, questions: rows.length };
}

/** A benchmark's folder, and what is true of its streams. */
export interface ShownTree {
  readonly root: string;
  /** By stream: which films are shown, from which second of theirs at which of the stream. */
  readonly streams: Readonly<Record<string, readonly ShownFilm[]>>;
}

interface ShownFilm {
  readonly film: HouseholdFilm;
  readonly atSeconds: number;
  readonly fromSeconds: number;
}

/** A question about what a display shows, of facts shown by a moment of the film; `n` tells several apart. */
function asked({ episode }: HouseholdFilm, n: number, bySeconds = episode.endSeconds): HouseholdQuestion {
  const about = askAbout(episode, seededRandom("bench"), { kinds: ["display"], perKind: 9, bySeconds });
  return about[n % about.length]!;
}

const answerOf = ({ options, answer }: HouseholdQuestion) =>
  options.find(({ letter }) => letter === answer)!.text;

function placed(root: string, name: string, content: string | Uint8Array): void {
  const path = join(root, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

/**
 * Recordings of one wearer's day, one a minute, and what is said in them in the transcript of the hour. Two questions about
 * each, while it lasts and at its end.
 */
export function householdEgoLife(root: string, films: readonly HouseholdFilm[]): ShownTree {
  const wearer = "A1_JAKE";
  const hour = 11 * 3600;
  const shown = films.map((film, i) => ({ film, fromSeconds: 0, atSeconds: hour + 60 * i }));
  const clock = (seconds: number) => {
    const frame = Math.round((seconds % 1) * 20);
    const [h, m, s] = [seconds / 3600, (seconds / 60) % 60, seconds % 60].map(Math.floor);
    return [h!, m!, s!, frame].map((part) => String(part).padStart(2, "0")).join("");
  };
  const rows = shown.flatMap(({ film, atSeconds }, i) =>
    [20, film.episode.endSeconds].map((bySeconds, k) => {
      const question = asked(film, k, bySeconds);
      const { text, options, answer, moments } = question;
      const choices = options.map((option) => [`choice_${option.letter.toLowerCase()}`, option.text]);
      return {
        ...{ ID: String(2 * i + k + 1), type: "EntityLog", need_audio: false, question: text, answer },
        ...Object.fromEntries(choices),
        query_time: { date: "DAY1", time: clock(atSeconds + bySeconds) },
        target_time: { date: "DAY1", time: clock(atSeconds + moments[0]!.startSeconds) },
      };
    }),
  );
  placed(root, `EgoLifeQA/EgoLifeQA_${wearer}.json`, JSON.stringify(rows));
  const cues = shown.flatMap(({ film, atSeconds }) =>
    subtitlesOf(film.episode)
      .split("\n\n")
      .map((cue) => {
        const [, times, line] = cue.split("\n");
        const minute = String((atSeconds - hour) / 60).padStart(2, "0");
        return `${times!.replaceAll("00:00:", `00:${minute}:`)}\n某人说了话\n${line}\n`;
      }),
  );
  placed(
    root,
    `EgoLifeCap/Transcript/${wearer}/DAY1/${wearer}_DAY1_11000000.srt`,
    cues.map((cue, i) => `${i + 1}\n${cue}`).join("\n"),
  );
  for (const { film, atSeconds } of shown)
    placed(root, `${wearer}/DAY1/DAY1_${wearer}_${clock(atSeconds)}.mp4`, readFileSync(film.video));
  return { root, streams: { [wearer]: shown } };
}

/** Two pieces of each recording of Ego4D, of 20 s and the rest, an open question about each. */
export function householdEgoTempo(root: string, films: readonly HouseholdFilm[]): ShownTree {
  const streams: Record<string, ShownFilm[]> = {};
  const annotations = films.flatMap((film, i) => {
    const recording = `0a1b2c3d-000${i}`;
    placed(root, `v2/full_scale/${recording}.mp4`, readFileSync(film.video));
    const pieces = [
      [0, 20],
      [20, film.episode.endSeconds],
    ] as const;
    return pieces.map(([fromSeconds, toSeconds], k) => {
      const clip_id = `${recording}_${fromSeconds}.0_${toSeconds}`;
      streams[clip_id] = [{ film, fromSeconds, atSeconds: 0 }];
      const question = asked(film, k, toSeconds);
      return {
        ...{ question_id: `${clip_id}_1`, clip_id, question_type: "object-specific action" },
        ...{ question: question.text, answer: answerOf(question) },
      };
    });
  });
  placed(root, "egotempo_openQA.json", JSON.stringify({ annotations }));
  return { root, streams };
}

/** A robot's recording, asked about three times while it lasts, and a video of the web, asked about afterwards. */
export function householdM3Bench(root: string, films: readonly HouseholdFilm[]): ShownTree {
  const [robot, web] = films as [HouseholdFilm, HouseholdFilm];
  const row = (question: HouseholdQuestion, question_id: string, rest: Record<string, unknown> = {}) => ({
    ...{ question: question.text, answer: answerOf(question), question_id, reasoning: "" },
    ...{ type: ["Cross-Modal Reasoning"], ...rest },
  });
  const video = (group: string, name: string, film: HouseholdFilm, qa_list: readonly unknown[]) => {
    const video_path = `data/videos/${group}/${name}.mp4`;
    placed(root, video_path, readFileSync(film.video));
    placed(root, `data/videos/${group}/${name}.srt`, subtitlesOf(film.episode));
    placed(root, `data/annotations/${group}.json`, JSON.stringify({ [name]: { video_path, qa_list } }));
  };
  video(
    ...(["robot", "kitchen_01", robot] as const),
    [10, 20, robot.episode.endSeconds].map((seconds, i) =>
      row(asked(robot, i, seconds), `r-${i}`, { timestamp: `00:${seconds}`, before_clip: 0 }),
    ),
  );
  video("web", "wwww1", web, [row(asked(web, 0), "w-0")]);
  const whole = (film: HouseholdFilm) => [{ film, fromSeconds: 0, atSeconds: 0 }];
  return { root, streams: { kitchen_01: whole(robot), wwww1: whole(web) } };
}
