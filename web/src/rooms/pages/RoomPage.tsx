/** A dojo: its door, its room, and what is said when neither is open. */

import type { ReactElement } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams } from "react-router";
import { useTitle } from "../../app/Page";
import { Spinner } from "../../kit/Bits";
import { Button, ButtonLink } from "../../kit/Button";
import { Problem } from "../../kit/api";
import { problemText } from "../../kit/problems";
import { useDojo } from "../connection";
import type { Dojo } from "../protocol";
import { DeviceCheck } from "../video/DeviceCheck";
import { DojoRoom } from "./DojoRoom";
import { Threshold } from "./Threshold";

export function RoomPage(): ReactElement {
  const { roomId = "" } = useParams();
  return <Room key={roomId} roomId={roomId} />;
}

function Room({ roomId }: { roomId: string }): ReactElement {
  const { t } = useTranslation("rooms");
  const dojo = useDojo(roomId);
  useTitle(dojo.state?.name ?? t("room.title"));
  const state = dojo.state;
  switch (dojo.status) {
    case "in":
    case "reconnecting":
      if (state !== null) return <DojoRoom dojo={dojo} state={state} />;
      return <Connecting dojo={dojo} />;
    case "connecting":
      return <Connecting dojo={dojo} />;
    case "waiting":
      return <WaitingRoom dojo={dojo} />;
    case "denied":
      return (
        <Threshold icon="door" title={t("room.denied")} words={t("room.deniedWords")}>
          <Button variant="primary" onPress={dojo.knock}>
            {t("room.knockAgain")}
          </Button>
          <Home />
        </Threshold>
      );
    case "ended":
      return <Ended dojo={dojo} />;
    case "expelled":
      return (
        <Threshold
          icon="leave"
          title={t(dojo.problem?.code === "banned" ? "room.banned" : "room.removed")}
          words={t(dojo.problem?.code === "banned" ? "room.bannedWords" : "room.removedWords")}
        >
          <Home />
        </Threshold>
      );
    case "refused":
      return <Refused dojo={dojo} />;
  }
}

function Connecting({ dojo }: { dojo: Dojo }): ReactElement {
  const { t } = useTranslation("rooms");
  return (
    <Threshold title={t("room.comingIn")} words={dojo.problem?.title ?? t("room.comingInWords")} isLive={dojo.problem !== null}>
      <Spinner label={t("room.comingIn")} />
    </Threshold>
  );
}

function Home(): ReactElement {
  const { t } = useTranslation("rooms");
  return <ButtonLink to="/">{t("room.home")}</ButtonLink>;
}

function WaitingRoom({ dojo }: { dojo: Dojo }): ReactElement {
  const { t } = useTranslation("rooms");
  const navigate = useNavigate();
  const leave = (): void => {
    void dojo.leave();
    void navigate("/");
  };
  return (
    <Threshold icon="door" title={t("room.waiting")} words={dojo.problem?.title ?? t("room.waitingWords")} isLive aside={<DeviceCheck />}>
      <Button icon="leave" onPress={leave}>
        {t("bar.leave")}
      </Button>
    </Threshold>
  );
}

function Ended({ dojo }: { dojo: Dojo }): ReactElement {
  const { t } = useTranslation("rooms");
  const session = dojo.state?.session_id ?? null;
  if (dojo.problem?.code === "signed-out") {
    return (
      <Threshold icon="lock" title={t("room.signedOut")} words={t("room.signedOutWords")}>
        <ButtonLink variant="primary" to={`/sign-in?next=${encodeURIComponent(`/rooms/${dojo.roomId}`)}`}>
          {t("room.signIn")}
        </ButtonLink>
      </Threshold>
    );
  }
  if (dojo.problem?.code === "left") {
    return (
      <Threshold icon="leave" title={t("room.left")} words={t("room.leftWords")}>
        <Button variant="primary" onPress={dojo.knock}>
          {t("room.comeBack")}
        </Button>
        <Home />
      </Threshold>
    );
  }
  return (
    <Threshold icon="check" title={t("room.ended")} words={t("room.endedWords")}>
      {session === null ? null : (
        <ButtonLink variant="primary" to={`/rooms/${dojo.roomId}/sessions/${session}`}>
          {t("room.summary")}
        </ButtonLink>
      )}
      <Home />
    </Threshold>
  );
}

/** Refusals that have their own words; all others say what the server said. */
const KNOWN = ["room-full", "room-closed", "not-invited", "banned", "lobby-full"] as const;

function Refused({ dojo }: { dojo: Dojo }): ReactElement {
  const { t } = useTranslation("rooms");
  const code = KNOWN.find((known) => known === dojo.problem?.code);
  const words = dojo.problem === null ? t("room.refusedWords") : problemText(new Problem(dojo.problem));
  return (
    <Threshold
      icon="door"
      title={code === undefined ? t("room.refused") : t(`room.refusal.${code}.title`)}
      words={code === undefined ? words : t(`room.refusal.${code}.words`)}
    >
      <Button variant="primary" onPress={dojo.knock}>
        {t("room.tryAgain")}
      </Button>
      <Home />
    </Threshold>
  );
}
