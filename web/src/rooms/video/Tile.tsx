/** One face: the camera, or initials; who they are, and whether they are heard. */

import type { ReactElement } from "react";
import { useTranslation } from "react-i18next";
import { Avatar } from "../../kit/Bits";
import { Icon } from "../../kit/Icon";
import { useTrack } from "./useTrack";
import type { Face, Playable } from "./view";
import css from "./VideoStrip.module.css";

export interface TileProps {
  id: string;
  name: string;
  /** What the person sends; null when they are here without audio and video. */
  face: Face | null;
  isMe: boolean;
  drives: boolean;
  hand: boolean;
}

export function Tile(props: TileProps): ReactElement {
  const { t } = useTranslation("rooms");
  const { id, name, face, isMe, drives, hand } = props;
  const speaking = face?.speaking === true;
  const weak = face?.quality === "poor" || face?.quality === "lost";
  return (
    <div
      className={css.tile}
      role="group"
      aria-label={useTileLabel(props)}
      data-testid={`tile-${name}`}
      data-speaking={speaking || undefined}
    >
      {face?.camera == null ? (
        <span className={css.initials}>
          <Avatar id={id} name={name} size={44} />
        </span>
      ) : (
        <Picture track={face.camera} mirrored={isMe} />
      )}
      <span className={css.caption} aria-hidden="true">
        {speaking ? <Icon name="speaker" size={14} /> : null}
        {face !== null && !face.microphone ? <Icon name="micOff" size={14} /> : null}
        {drives ? <Icon name="keyboard" size={14} /> : null}
        <span className={css.captionName}>{isMe ? t("media.you", { name }) : name}</span>
        {hand ? <Icon name="hand" size={14} /> : null}
        {weak ? <Icon name="alert" size={14} /> : null}
      </span>
    </div>
  );
}

function useTileLabel({ name, face, drives, hand }: TileProps): string {
  const { t } = useTranslation("rooms");
  const parts = [name, t(face?.camera == null ? "media.cameraOff" : "media.cameraOn")];
  if (face === null) parts.push(t("media.noLine"));
  else if (!face.microphone) parts.push(t("media.microphoneOff"));
  if (face?.speaking === true) parts.push(t("media.speaking"));
  if (drives) parts.push(t("media.drives"));
  if (hand) parts.push(t("media.hand"));
  if (face?.quality === "poor" || face?.quality === "lost") parts.push(t("media.weak"));
  return parts.join(", ");
}

function Picture({ track, mirrored }: { track: Playable; mirrored: boolean }): ReactElement {
  const element = useTrack<HTMLVideoElement>(track);
  return <video ref={element} className={css.picture} data-mirrored={mirrored || undefined} autoPlay playsInline muted />;
}
