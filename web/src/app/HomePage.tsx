import { useTranslation } from "react-i18next";
import { useSession } from "../identity/session";
import { ButtonLink } from "../kit/Button";
import { EmptyState } from "../kit/Bits";
import type { Me } from "../wire.gen";
import styles from "./Home.module.css";
import { LandingPage } from "./LandingPage";
import { LastPocs } from "./LastPocs";
import { MyDojos } from "./MyDojos";
import { Page } from "./Page";
import { StartingPage } from "./StartingPage";

export function HomePage() {
  const { status, signedIn } = useSession();
  if (status === "starting" || status === "unreachable") return <StartingPage />;
  if (signedIn === null) return <LandingPage />;
  return signedIn.me.role === "guest" ? <GuestHome me={signedIn.me} /> : <Home me={signedIn.me} />;
}

function Home({ me }: { me: Me }) {
  const { t } = useTranslation("app");
  const start = (
    <ButtonLink to="/start" variant="primary" size="l" icon="play">
      {t("go.start")}
    </ButtonLink>
  );
  return (
    <Page title={t("home.hello", { name: me.name })} intro={<p>{t("home.intro")}</p>} actions={start}>
      <div className={styles.columns}>
        <MyDojos />
        <LastPocs />
      </div>
    </Page>
  );
}

function GuestHome({ me }: { me: Me }) {
  const { t } = useTranslation("app");
  return (
    <Page title={t("home.hello", { name: me.name })}>
      <EmptyState
        icon="door"
        title={t("home.guest")}
        action={
          <span className={styles.pair}>
            {me.bound_to !== null && (
              <ButtonLink to={`/rooms/${me.bound_to}`} variant="primary">
                {t("home.guestBack")}
              </ButtonLink>
            )}
            <ButtonLink to="/sign-up">{t("go.signUp")}</ButtonLink>
          </span>
        }
      >
        {t("home.guestText")}
      </EmptyState>
    </Page>
  );
}
