import { useTranslation } from "react-i18next";
import { chooseLanguage, currentLanguage, LANGUAGES } from "../i18n";
import type { Language } from "../i18n";
import { ButtonLink } from "../kit/Button";
import { Select } from "../kit/Field";
import styles from "./Home.module.css";
import { LandingPicture } from "./LandingPicture";
import { useTitle } from "./Page";

const STEPS = [
  ["step1", "step1Text"],
  ["step2", "step2Text"],
  ["step3", "step3Text"],
] as const;

export function LandingPage() {
  const { t } = useTranslation("app");
  useTitle("Live Dojo");
  return (
    <div className={styles.landing}>
      <div className={styles.hero}>
        <div className={styles.words}>
          <h1>{t("landing.title")}</h1>
          <p>{t("landing.one")}</p>
          <p>{t("landing.two")}</p>
          <p>{t("landing.three")}</p>
          <div className={styles.pair}>
            <ButtonLink to="/sign-up" variant="primary" size="l">
              {t("landing.signUp")}
            </ButtonLink>
            <ButtonLink to="/sign-in" size="l">
              {t("landing.haveAccount")}
            </ButtonLink>
          </div>
        </div>
        <LandingPicture />
      </div>
      <section aria-labelledby="how" className={styles.how}>
        <h2 id="how">{t("landing.how")}</h2>
        <ol className={styles.steps}>
          {STEPS.map(([name, text]) => (
            <li key={name}>
              <h3>{t(`landing.${name}`)}</h3>
              <p>{t(`landing.${text}`)}</p>
            </li>
          ))}
        </ol>
      </section>
      <div className={styles.language}>
        <Select<Language>
          label={t("languageLabel")}
          value={currentLanguage()}
          onChange={(language) => void chooseLanguage(language)}
          options={(Object.keys(LANGUAGES) as Language[]).map((value) => ({ value, label: LANGUAGES[value] }))}
        />
      </div>
    </div>
  );
}
