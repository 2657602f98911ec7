/** Shared screens: one at a time beside the code, the others one press away. */

import { useRef, useState, type ReactElement } from "react";
import { useTranslation } from "react-i18next";
import { Button, IconButton } from "../../kit/Button";
import { useTrack } from "./useTrack";
import type { Media } from "./useMedia";
import type { Screen } from "./view";
import css from "./ScreenStage.module.css";

export function ScreenStage({ media, nameOf }: { media: Media; nameOf: (id: string) => string }): ReactElement | null {
  const { t } = useTranslation("rooms");
  const [chosen, setChosen] = useState<string | null>(null);
  const stage = useRef<HTMLElement>(null);
  const screen = media.screens.find((one) => one.id === chosen) ?? media.screens.at(-1);
  if (screen === undefined) return null;
  const title = screen.isMe ? t("screen.mine") : t("screen.of", { name: nameOf(screen.by) });
  return (
    <section ref={stage} className={css.stage} aria-label={t("screen.title")}>
      <header className={css.head}>
        <span className={css.title}>{title}</span>
        {media.screens.length > 1
          ? media.screens
              .filter((one) => one.id !== screen.id)
              .map((one) => (
                <Button key={one.id} size="s" onPress={() => setChosen(one.id)}>
                  {one.isMe ? t("screen.mine") : t("screen.of", { name: nameOf(one.by) })}
                </Button>
              ))
          : null}
        {screen.isMe ? (
          <Button size="s" icon="stop" onPress={() => media.stopScreens(screen.id)}>
            {t("screen.stop")}
          </Button>
        ) : null}
        <IconButton
          icon="expand"
          size="s"
          label={t("screen.full")}
          onPress={() => void stage.current?.requestFullscreen?.().catch(() => undefined)}
        />
      </header>
      <ScreenPicture key={screen.id} screen={screen} label={title} />
    </section>
  );
}

function ScreenPicture({ screen, label }: { screen: Screen; label: string }): ReactElement {
  const element = useTrack<HTMLVideoElement>(screen.track);
  return <video ref={element} className={css.picture} aria-label={label} autoPlay playsInline muted />;
}
