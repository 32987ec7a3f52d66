/**
 * The faces that stand for a person: the one nearest to all others, then always the one farthest from those chosen, but no
 * outlier. Few enough to compare with at every clip.
 */
import { distance } from "../perception/faces.ts";
import { isVoice, type SeenFace } from "./records.ts";

/** Most faces that stand for a person. */
export const mostExemplars = 10;
/** A face farther from the middle one stands for no one: it may be a wrong one. Voices differ more (a likeness of 0.8). */
const outlier = 0.5;
const voiceOutlier = 0.63;

/** Places of the chosen ones among `vectors`, the middle one first. */
export function chooseExemplars(
  vectors: readonly Float32Array[],
  most = mostExemplars,
  farthest = outlier,
): number[] {
  if (vectors.length === 0) return [];
  const sums = vectors.map((a) => vectors.reduce((sum, b) => sum + distance(a, b), 0));
  const middle = sums.indexOf(Math.min(...sums));
  const chosen = [middle];
  const nearest = vectors.map((vector) => distance(vector, vectors[middle]!));
  const isNear = nearest.map((apart) => apart < farthest);
  while (chosen.length < most) {
    let next = -1;
    for (const [i, apart] of nearest.entries())
      if (isNear[i] && !chosen.includes(i) && apart > 0 && (next < 0 || apart > nearest[next]!)) next = i;
    if (next < 0) break;
    chosen.push(next);
    for (const [i, vector] of vectors.entries())
      nearest[i] = Math.min(nearest[i]!, distance(vector, vectors[next]!));
  }
  return chosen;
}

/** The faces with those marked that stand for some people; faces that need no change are the same objects. */
export function withExemplars(faces: readonly SeenFace[], people: ReadonlySet<string>): SeenFace[] {
  const chosen = new Set<string>();
  for (const id of people) {
    const own = faces.filter(({ person, vector, sure }) => person === id && vector !== null && sure);
    for (const [, ofSpace] of Map.groupBy(own, ({ space }) => space))
      for (const i of chooseExemplars(
        ofSpace.map(({ vector }) => vector!),
        mostExemplars,
        isVoice(ofSpace[0]!) ? voiceOutlier : outlier,
      ))
        chosen.add(ofSpace[i]!.id);
  }
  return faces.map((face) => {
    const isOwn = face.person !== null && people.has(face.person);
    const exemplar = isOwn ? chosen.has(face.id) : face.person === null ? false : face.exemplar;
    return exemplar === face.exemplar ? face : { ...face, exemplar };
  });
}
