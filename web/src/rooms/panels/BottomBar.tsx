/** What I do here: speak, be seen, share, raise a hand, react, run, take the keyboard, leave. */

import type { ReactElement } from "react";
import { useTranslation } from "react-i18next";
import { Menu, type MenuAction } from "../../kit/Menu";
import type { RoomState } from "../../wire.gen";
import type { Dojo } from "../protocol";
import type { Runner } from "../run/useRunner";
import { DeviceMenu } from "../video/DeviceMenu";
import { LevelMeter } from "../video/LevelMeter";
import type { Media } from "../video/useMedia";
import { BarButton, BarToggle } from "./BarButton";
import type { RoomActions } from "./useRoomActions";
import css from "./BottomBar.module.css";

export interface BottomBarProps {
  dojo: Dojo;
  state: RoomState;
  media: Media;
  runner: Runner;
  actions: RoomActions;
}

export function BottomBar({ dojo, state, media, runner, actions }: BottomBarProps): ReactElement {
  const { t } = useTranslation("rooms");
  const raised = dojo.me?.hand_at != null;
  return (
    <footer className={css.bar} aria-label={t("bar.title")}>
      <div className={css.group}>
        <MediaButtons media={media} maySpeak={dojo.me?.may_speak !== false} />
      </div>
      <div className={css.group}>
        <BarButton
          icon="hand"
          label={t(raised ? "bar.lowerHand" : "bar.raiseHand")}
          isLit={raised}
          onPress={actions.toggleHand}
        />
        <Menu label={t("bar.reactions")} actions={useReactions(actions)}>
          <BarButton icon="smile" label={t("bar.reactions")} />
        </Menu>
        <BarButton
          icon="play"
          label={t("bar.run")}
          words={t(runner.isRunning ? "bar.running" : "bar.run")}
          isPrimary
          isDisabled={runner.isRunning}
          onPress={actions.run}
        />
        <PassButton dojo={dojo} state={state} actions={actions} />
      </div>
      <div className={css.group}>
        <BarButton icon="leave" label={t("bar.leave")} onPress={actions.leave} />
      </div>
    </footer>
  );
}

function MediaButtons({ media, maySpeak }: { media: Media; maySpeak: boolean }): ReactElement {
  const { t } = useTranslation("rooms");
  const { microphone, camera } = media;
  const hasLine = media.status === "on" || media.status === "reconnecting";
  const muted = !maySpeak || !microphone.allowed;
  const sharing = media.screens.some((screen) => screen.isMe);
  return (
    <>
      <span className={css.pair}>
        <BarToggle
          icon={microphone.on ? "mic" : "micOff"}
          label={t("bar.microphone")}
          words={muted ? t("bar.mutedByHost") : undefined}
          isSelected={microphone.on}
          isDisabled={!hasLine || muted || microphone.busy}
          hint={microphone.problem === null ? undefined : t(`devices.problem.microphone.${microphone.problem}`)}
          onPress={media.toggleMicrophone}
        />
        {microphone.track === null ? null : (
          <span className={css.level} aria-hidden="true">
            <LevelMeter track={microphone.track} compact />
          </span>
        )}
        <DeviceMenu kind="audio" media={media} />
      </span>
      <span className={css.pair}>
        <BarToggle
          icon={camera.on ? "camera" : "cameraOff"}
          label={t("bar.camera")}
          isSelected={camera.on}
          isDisabled={!hasLine || !camera.allowed || camera.busy}
          hint={camera.problem === null ? undefined : t(`devices.problem.camera.${camera.problem}`)}
          onPress={media.toggleCamera}
        />
        <DeviceMenu kind="video" media={media} />
      </span>
      <span className={`${css.pair ?? ""} ${css.screen ?? ""}`}>
        <BarToggle
          icon="screen"
          label={t("bar.shareScreen")}
          isSelected={sharing}
          isDisabled={!hasLine}
          onPress={() => (sharing ? media.stopScreens() : void media.shareScreen().catch(() => undefined))}
        />
        {sharing ? <DeviceMenu kind="screen" media={media} /> : null}
      </span>
    </>
  );
}

const REACTIONS = ["👏", "🎉", "👍", "❤️", "😂", "🤔"] as const;
const REACTION_KEYS = ["clap", "party", "thumb", "heart", "laugh", "think"] as const;

function useReactions(actions: RoomActions): MenuAction[] {
  const { t } = useTranslation("rooms");
  return REACTIONS.map((value, index) => {
    const key = REACTION_KEYS[index] ?? "clap";
    return { id: key, label: `${value} ${t(`reaction.${key}`)}`, run: () => actions.react(value) };
  });
}

interface KeyboardProps {
  dojo: Dojo;
  state: RoomState;
  actions: RoomActions;
}

/** Who has the keyboard may pass it on before the bell. Asking for it is above the code, beside the reason. */
function PassButton({ dojo, state, actions }: KeyboardProps): ReactElement | null {
  const { t } = useTranslation("rooms");
  if (state.rotation.status === "idle" || state.rotation.driver !== dojo.myId) return null;
  return <BarButton icon="skip" label={t("bar.passKeyboard")} onPress={actions.passKeyboard} />;
}
