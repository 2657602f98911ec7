import { useEffect, useRef, useState } from "react";
import type { KeyboardEvent } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { Failed } from "../app/Failed";
import { Page } from "../app/Page";
import { EmptyState, Skeleton } from "../kit/Bits";
import { Button } from "../kit/Button";
import { useCommands } from "../kit/commands";
import { SearchField } from "../kit/Field";
import styles from "./Catalogue.module.css";
import { Filters } from "./Filters";
import { usePocs } from "./pocs";
import { PocRow } from "./PocRow";
import { EVERYTHING, isEverything, readQuery, writeQuery } from "./query";
import type { Query } from "./query";

const PAUSE_MS = 180;

/**
 * The query is the address: it can be shared, and Back gives the last one. Typing replaces, filters push.
 * The router takes a moment, so what was chosen shows at once until the address has followed.
 */
function useQueryInAddress(): [Query, (next: Query, how?: { replace: boolean }) => void] {
  const [search, setSearch] = useSearchParams();
  const address = search.toString();
  const [ahead, setAhead] = useState<{ of: string; query: Query } | null>(null);
  if (ahead !== null && ahead.of !== address) setAhead(null);
  const query = ahead?.of === address ? ahead.query : readQuery(search);
  const change = (next: Query, { replace } = { replace: false }) => {
    setAhead({ of: address, query: next });
    setSearch(writeQuery(next), { replace, preventScrollReset: true });
  };
  return [query, change];
}

export function CataloguePage() {
  const { t } = useTranslation("catalog");
  const [query, change] = useQueryInAddress();
  const found = usePocs(query);
  const first = found.data?.pages[0];
  const total = first?.total ?? 0;
  return (
    <Page title={t("title")} intro={<p>{t("intro")}</p>}>
      <Search query={query} change={change} />
      <div className={styles.columns}>
        <Filters query={query} change={change} languages={first?.languages ?? []} tags={first?.tags ?? []} />
        <section aria-label={t("results")} aria-busy={found.isFetching} className={styles.results}>
          <p role="status" className={styles.count}>
            {found.data && t("found", { count: total })}
          </p>
          {found.isPending && <Skeleton height={104} count={4} />}
          {found.error && <Failed error={found.error} onRetry={() => void found.refetch()} />}
          {found.data && total === 0 && <Nothing query={query} onClear={() => change(EVERYTHING)} />}
          {total > 0 && <Results found={found} />}
        </section>
      </div>
    </Page>
  );
}

interface SearchProps {
  query: Query;
  change: (next: Query, how?: { replace: boolean }) => void;
}

function Search({ query, change }: SearchProps) {
  const { t } = useTranslation("catalog");
  const [words, setWords] = useState(query.q);
  const [sent, setSent] = useState(query.q);
  const [seen, setSeen] = useState(query.q);
  if (query.q !== seen) {
    setSeen(query.q);
    // The address changed, and not by typing here: Back, or cleared filters.
    if (query.q !== sent) setWords(query.q);
  }
  const field = useRef<HTMLDivElement>(null);
  const latest = useRef({ query, change });
  useEffect(() => {
    latest.current = { query, change };
  });
  useEffect(() => {
    const timer = setTimeout(() => {
      const now = latest.current;
      const q = words.trim();
      if (q === now.query.q) return;
      setSent(q);
      now.change({ ...now.query, q }, { replace: true });
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [words]);
  useCommands([{ id: "search-pocs", label: t("search"), keys: "/", run: () => field.current?.querySelector("input")?.focus() }]);
  return (
    <search ref={field}>
      <SearchField
        label={t("search")}
        placeholder={t("searchHint")}
        value={words}
        maxLength={200}
        aria-keyshortcuts="/"
        onChange={(event) => {
          setWords(event.target.value);
        }}
        onKeyDown={(event) => {
          if (event.key !== "ArrowDown") return;
          event.preventDefault();
          document.querySelector<HTMLElement>("[data-poc-link]")?.focus();
        }}
      />
    </search>
  );
}

function Nothing({ query, onClear }: { query: Query; onClear: () => void }) {
  const { t } = useTranslation("catalog");
  if (isEverything(query)) {
    return (
      <EmptyState icon="code" title={t("empty.title")}>
        {t("empty.text")}
      </EmptyState>
    );
  }
  return (
    <EmptyState icon="search" title={t("none.title")} action={<Button onPress={onClear}>{t("clear")}</Button>}>
      {t("none.text")}
    </EmptyState>
  );
}

function Results({ found }: { found: ReturnType<typeof usePocs> }) {
  const { t } = useTranslation("catalog");
  const items = found.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- arrow keys move between the links inside */}
      <ul className={styles.list} onKeyDown={moveByArrows}>
        {items.map((poc) => (
          <PocRow key={poc.id} poc={poc} />
        ))}
      </ul>
      {found.hasNextPage && (
        <Button isPending={found.isFetchingNextPage} onPress={() => void found.fetchNextPage()}>
          {t("more")}
        </Button>
      )}
    </>
  );
}

/** Arrow keys walk the list; above its first line is the search box. */
function moveByArrows(event: KeyboardEvent<HTMLUListElement>): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step === undefined) return;
  const links = [...event.currentTarget.querySelectorAll<HTMLElement>("[data-poc-link]")];
  const at = links.findIndex((link) => link.closest("li")?.contains(event.target as Node));
  event.preventDefault();
  if (at + step < 0) document.querySelector<HTMLElement>("search input")?.focus();
  else links[at + step]?.focus();
}
