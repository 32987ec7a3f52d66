/**
 * A moment, played from the recording it was watched in where that is still there; otherwise the pictures that memory kept,
 * and why there is nothing to play.
 */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Playable } from "../../src/http/media.ts";
import { request } from "../state/api.ts";
import { useApi, useLoaded } from "../state/use.ts";

interface Frame {
  readonly hash: string;
  readonly atSeconds: number;
  readonly at: string;
}

interface Props {
  readonly stream: string;
  readonly startSeconds: number;
  readonly endSeconds: number;
  /** Whether it plays at once. @default false */
  readonly isPlaying?: boolean;
}

export function Moment({ stream, startSeconds, endSeconds, isPlaying = false }: Props) {
  const api = useApi();
  const newest = api.media(stream, startSeconds, endSeconds);
  const found = useLoaded(() => request<Playable>("GET", newest), [stream, startSeconds, endSeconds]);
  // A ticket that is renewed must not stop what plays; one that has expired makes it fail, and then the new one is taken.
  const moment = JSON.stringify([stream, startSeconds, endSeconds]);
  const [taken, setTaken] = useState({ moment, address: newest });
  const [broken, setBroken] = useState("");
  const resumeAt = useRef<number | null>(null);
  useEffect(() => {
    resumeAt.current = null;
    setTaken({ moment, address: newest });
  }, [moment]);
  const address = taken.moment === moment ? taken.address : newest;
  const fail = (atSeconds: number) => {
    if (address === newest) return setBroken(moment);
    resumeAt.current = atSeconds;
    setTaken({ moment, address: newest });
  };
  const { data } = found;
  if (found.error) return <p class="muted">{found.error.message}</p>;
  if (!data) return <div class="moment-box" />;
  if (data.playable && broken === moment)
    return <Strip frames={[]} why="This browser cannot play the recording's format." />;
  if (data.playable)
    return (
      <Player
        key={address}
        {...{ address, isPlaying, isVideo: data.type.startsWith("video/") }}
        {...{ from: resumeAt.current ?? data.offsetSeconds, to: data.endSeconds }}
        onBroken={fail}
      />
    );
  return <Strip frames={data.frames} why={data.why} />;
}

interface PlayerProps {
  readonly address: string;
  readonly isVideo: boolean;
  readonly isPlaying: boolean;
  readonly from: number;
  readonly to: number;
  /** Called with the second at which it could not be played. */
  readonly onBroken: (atSeconds: number) => void;
}

function Player({ address, isVideo, isPlaying, from, to, onBroken }: PlayerProps) {
  const media = useRef<HTMLMediaElement>(null);
  /** Whether the end of the moment was passed, so that whoever plays on is not stopped again. */
  const passed = useRef(false);
  const begin = () => {
    if (media.current) media.current.currentTime = from;
  };
  const stop = () => {
    const { current } = media;
    if (!current || passed.current || current.currentTime < Math.max(to, from + 2)) return;
    passed.current = true;
    current.pause();
  };
  const props = {
    ...{ ref: media as never, src: address, controls: true, autoPlay: isPlaying },
    preload: "auto" as const,
    ...{
      onLoadedMetadata: begin,
      onTimeUpdate: stop,
      onError: () => onBroken(media.current?.currentTime ?? from),
    },
  };
  return isVideo ? (
    <video class="moment-box" playsInline {...props} />
  ) : (
    <>
      <audio class="moment-sound" {...props} />
      <p class="muted small">Sound only: this stream has no picture.</p>
    </>
  );
}

/** Pictures of a moment side by side. */
export function Strip({ frames, why }: { frames: readonly Frame[]; why: string }) {
  const api = useApi();
  return (
    <figure class="strip">
      {frames.length > 0 && (
        <div class="strip-frames">
          {frames.map(({ hash, at }) => (
            <img key={hash} src={api.picture(hash)} alt={`At ${at}`} title={at} loading="lazy" />
          ))}
        </div>
      )}
      <figcaption class="muted small">
        {frames.length > 0 ? "Pictures only. " : "No picture. "}
        {why}
      </figcaption>
    </figure>
  );
}
