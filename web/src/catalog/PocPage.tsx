import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useParams } from "react-router";
import { Failed } from "../app/Failed";
import { Page } from "../app/Page";
import { formatDateTime } from "../i18n/format";
import { useMe } from "../identity/session";
import { api } from "../kit/api";
import { Avatar, LightChip, Skeleton, TagList } from "../kit/Bits";
import type { LightColour } from "../kit/Bits";
import { Button, IconButton, ToggleIconButton } from "../kit/Button";
import { Code } from "../kit/Code";
import { Markdown } from "../kit/Markdown";
import { notify } from "../kit/notices";
import { problemText } from "../kit/problems";
import { useKatas } from "../rooms/katas";
import type { Origin, Poc, PocFile } from "../wire.gen";
import styles from "./Catalogue.module.css";
import { Cover } from "./Cover";
import { languageName } from "./languages";
import { EditPocDialog } from "./EditPocDialog";
import { useFavourite, usePoc } from "./pocs";

export function PocPage() {
  const { t } = useTranslation("catalog");
  const { pocId = "" } = useParams();
  const poc = usePoc(pocId);
  return (
    <Page
      title={poc.data?.name ?? t("title")}
      back={{ to: "/pocs", label: t("poc.back") }}
      actions={poc.data && <Actions poc={poc.data} />}
    >
      {poc.isPending && <Skeleton height={180} count={2} />}
      {poc.error && !poc.data && <Failed error={poc.error} onRetry={() => void poc.refetch()} />}
      {poc.data && (
        <div className={styles.pocPage}>
          <div className={styles.files}>
            {poc.data.description && <Markdown text={poc.data.description} topLevel={3} />}
            <h2 className="visually-hidden">{t("poc.files")}</h2>
            {poc.data.files.map((file) => (
              <File key={file.name} file={file} />
            ))}
          </div>
          <Side poc={poc.data} />
        </div>
      )}
    </Page>
  );
}

function File({ file }: { file: PocFile }) {
  const { t } = useTranslation(["catalog", "app"]);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(file.text);
      notify({ kind: "success", text: t("poc.copied") });
    } catch {
      notify({ kind: "error", text: t("app:kit.copyByHand") });
    }
  };
  return (
    <article className={styles.file}>
      <div className={styles.fileHead}>
        <h3>
          {file.name}
          <small>{t("poc.line", { count: file.text.trimEnd().split("\n").length })}</small>
        </h3>
        <IconButton icon="copy" label={t("poc.copyFile", { file: file.name })} onPress={() => void copy()} />
      </div>
      <Code name={file.name} text={file.text} label={t("poc.code", { file: file.name })} />
    </article>
  );
}

function Side({ poc }: { poc: Poc }) {
  const { t } = useTranslation("catalog");
  const me = useMe();
  const organisation = me?.organisation ?? "";
  return (
    <aside aria-label={t("poc.about")} className={styles.side}>
      <div className={styles.pocCover}>
        <Cover poc={poc} />
      </div>
      {poc.authors.length > 0 && (
        <section>
          <h2>{t("poc.authors")}</h2>
          <ul className={styles.authors}>
            {poc.authors.map((author) => (
              <li key={author}>
                <Avatar id={author} name={author} size={28} /> {author}
              </li>
            ))}
          </ul>
        </section>
      )}
      {poc.origin && <FromDojo origin={poc.origin} />}
      {[
        { title: t("poc.languages"), tags: poc.languages.map(languageName) },
        { title: t("poc.tags"), tags: poc.tags },
      ].map(
        ({ title, tags }) =>
          tags.length > 0 && (
            <section key={title}>
              <h2>{title}</h2>
              <TagList tags={tags} label={title} />
            </section>
          ),
      )}
      <section>
        <h2>{t("poc.visibility")}</h2>
        <p>{poc.visibility === "private" ? t("poc.private") : t("poc.tenant", { organisation })}</p>
      </section>
      <p className={styles.facts}>{t("poc.kept", { when: formatDateTime(poc.created_at) })}</p>
    </aside>
  );
}

function FromDojo({ origin }: { origin: Origin }) {
  const { t } = useTranslation("catalog");
  const kata = useKatas().data?.find(({ slug }) => slug === origin.kata)?.title ?? origin.kata;
  return (
    <section>
      <h2>{t("poc.origin")}</h2>
      <div className={styles.origin}>
        <p>{t("poc.originText", { dojo: origin.dojo, kata })}</p>
        <LightChip colour={origin.colour as LightColour} />
        <Link to={`/rooms/${origin.room_id}/sessions/${origin.session_id}#light-${origin.light_id}`}>{t("poc.originLink")}</Link>
      </div>
    </section>
  );
}

function Actions({ poc }: { poc: Poc }) {
  const { t } = useTranslation("catalog");
  const me = useMe();
  const [editing, setEditing] = useState(false);
  const favourite = useFavourite();
  const remove = useRemove(poc);
  return (
    <>
      <ToggleIconButton
        icon="star"
        label={t("favourite")}
        isSelected={poc.favourite}
        onChange={(on) => favourite.mutate({ id: poc.id, favourite: on })}
      />
      {me?.user_id === poc.owner_id && (
        <>
          <Button icon="edit" onPress={() => setEditing(true)}>
            {t("poc.edit")}
          </Button>
          <Button icon="trash" isPending={remove.isPending} onPress={() => remove.mutate()}>
            {t("poc.delete")}
          </Button>
        </>
      )}
      {editing && <EditPocDialog poc={poc} onClose={() => setEditing(false)} />}
    </>
  );
}

/** Deletes at once; the notice takes it back. */
function useRemove({ id, name }: Poc) {
  const { t } = useTranslation("catalog");
  const navigate = useNavigate();
  const client = useQueryClient();
  const say = (error: unknown) => notify({ kind: "error", text: problemText(error) });
  const restore = async () => {
    try {
      await api.post<Poc>(`/pocs/${id}/restore`);
      await client.invalidateQueries({ queryKey: ["pocs"] });
      notify({ kind: "success", text: t("poc.restored", { name }) });
    } catch (error) {
      say(error);
    }
  };
  return useMutation({
    mutationFn: () => api.delete(`/pocs/${id}`),
    onSuccess: async () => {
      await navigate("/pocs");
      client.removeQueries({ queryKey: ["pocs", "one", id] });
      await client.invalidateQueries({ queryKey: ["pocs"] });
      notify({
        kind: "info",
        text: t("poc.deleted", { name }),
        action: { label: t("poc.undo"), run: () => void restore() },
      });
    },
    onError: say,
  });
}
