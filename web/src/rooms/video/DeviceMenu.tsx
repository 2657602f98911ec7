/** Which microphone, speaker or camera: a small menu beside the button. */

import type { ReactElement } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "react-aria-components";
import { Icon } from "../../kit/Icon";
import { Menu, type MenuAction } from "../../kit/Menu";
import { readChoices } from "./choices";
import { useDevices } from "./useDevices";
import type { Media } from "./useMedia";
import css from "../panels/BottomBar.module.css";

type Kind = "audio" | "video" | "screen";

export function DeviceMenu({ kind, media }: { kind: Kind; media: Media }): ReactElement | null {
  const { t } = useTranslation("rooms");
  const actions = useDeviceActions(kind, media);
  if (actions.length === 0) return null;
  const label = t(`devices.menu.${kind}`);
  return (
    <Menu label={label} actions={actions}>
      <Button className={css.more ?? ""} aria-label={label}>
        <Icon name="chevronUp" size={16} />
      </Button>
    </Menu>
  );
}

function useDeviceActions(kind: Kind, media: Media): MenuAction[] {
  const { t } = useTranslation("rooms");
  const devices = useDevices(`${String(media.microphone.on)} ${String(media.camera.on)}`);
  const choices = readChoices();
  const list = (
    found: readonly MediaDeviceInfo[],
    what: "microphone" | "camera" | "speaker",
    chosen: string | null,
  ): MenuAction[] =>
    found.map((device, index) => {
      const isChosen = chosen === null ? index === 0 : device.deviceId === chosen;
      const name = device.label || t("devices.unnamed", { count: index + 1 });
      return {
        id: `${what}-${device.deviceId}`,
        label: isChosen ? t("devices.chosen", { name }) : name,
        icon: isChosen ? "check" : what === "camera" ? "camera" : what === "speaker" ? "speaker" : "mic",
        run: () => media.choose(what, device.deviceId),
      };
    });
  if (kind === "video") return list(devices.cameras, "camera", choices.cameraId);
  if (kind === "screen") {
    return [{ id: "another", label: t("screen.another"), icon: "screen", run: () => void media.shareScreen().catch(() => undefined) }];
  }
  return [
    ...list(devices.microphones, "microphone", choices.microphoneId),
    ...list(devices.speakers, "speaker", choices.speakerId),
  ];
}
