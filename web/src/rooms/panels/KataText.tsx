/** The kata's text, as the library has it. */

import { lazy, Suspense, type ReactElement } from "react";
import { useTranslation } from "react-i18next";
import { Skeleton } from "../../kit/Bits";
import { problemText } from "../../kit/problems";
import { useKata } from "../katas";
import css from "./KataText.module.css";

const Markdown = lazy(async () => ({ default: (await import("../../kit/Markdown")).Markdown }));

export function KataText({ slug }: { slug: string }): ReactElement {
  const { t } = useTranslation("rooms");
  const kata = useKata(slug === "" ? null : slug);
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, so the keyboard must reach it
    <section className={css.kata} aria-label={t("kata.title")} tabIndex={0}>
      {kata.isError ? <p>{problemText(kata.error)}</p> : null}
      {kata.isPending ? <Skeleton count={8} /> : null}
      {kata.data === undefined ? null : (
        <Suspense fallback={<Skeleton count={8} />}>
          <Markdown text={kata.data.text} />
        </Suspense>
      )}
    </section>
  );
}
