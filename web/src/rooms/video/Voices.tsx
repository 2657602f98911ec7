/** The sound of the others: one hidden element per voice. */

import type { ReactElement } from "react";
import { useTrack } from "./useTrack";
import type { Playable, Voice } from "./view";

function OneVoice({ track }: { track: Playable }): ReactElement {
  const element = useTrack<HTMLAudioElement>(track);
  // eslint-disable-next-line jsx-a11y/media-has-caption -- live speech of people in the room has no captions file
  return <audio ref={element} autoPlay hidden />;
}

export function Voices({ voices }: { voices: readonly Voice[] }): ReactElement {
  return (
    <>
      {voices.map((voice) => (
        <OneVoice key={voice.id} track={voice.track} />
      ))}
    </>
  );
}
