import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Form } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { Failed } from "../app/Failed";
import { formatTime } from "../i18n/format";
import { api } from "../kit/api";
import { LightChip, Skeleton } from "../kit/Bits";
import type { LightColour } from "../kit/Bits";
import { Button } from "../kit/Button";
import { Dialog, DialogActions } from "../kit/Dialog";
import { FormError, Select } from "../kit/Field";
import { notify } from "../kit/notices";
import { problemText } from "../kit/problems";
import type { LightFiles } from "../wire.gen";
import styles from "./Catalogue.module.css";
import { checkWords, splitTags } from "./form";
import type { PocWords, WordsProblem } from "./form";
import { PocFields } from "./PocFields";
import { useKeepPoc } from "./pocs";

export interface LightChoice {
  id: string;
  colour: LightColour;
  at: number;
}

interface Props {
  roomId: string;
  /** Oldest first. */
  lights: readonly LightChoice[];
  /** The light that was pressed; without one the last green, or else the last. */
  lightId?: string;
  dojo: string;
  kata: string;
  language: string;
  onClose: () => void;
}

/** Keeps the files of a light in the catalogue, with where they come from as the dojo vouches for it. */
export function KeepAsPocDialog({ roomId, lights, lightId, dojo, kata, language, onClose }: Props) {
  const { t } = useTranslation(["catalog", "app"]);
  const [chosen, setChosen] = useState(lightId ?? lights.findLast(({ colour }) => colour === "green")?.id ?? lights.at(-1)?.id ?? "");
  const light = useQuery({
    queryKey: ["light", roomId, chosen],
    queryFn: ({ signal }) => api.get<LightFiles>(`/rooms/${roomId}/lights/${chosen}`, { signal }),
    enabled: chosen !== "",
    staleTime: 60_000,
  });
  return (
    <Dialog title={t("keep.title")} isOpen onClose={onClose}>
      <p>{lights.length > 0 ? t("keep.intro") : t("keep.noLights")}</p>
      {lights.length > 0 && (
        <Select
          label={t("keep.light")}
          value={chosen}
          onChange={setChosen}
          options={lights.map(({ id, colour, at }) => ({
            value: id,
            label: t("keep.lightAt", { colour: t(`app:kit.light.${colour}`), time: formatTime(at) }),
          }))}
        />
      )}
      <div className={styles.kept}>
        {light.data && (
          <>
            <LightChip colour={light.data.colour} /> {light.data.files.map(({ name }) => name).join(", ")}
          </>
        )}
        {light.isLoading && <Skeleton height={28} width={200} />}
      </div>
      {light.error && <Failed error={light.error} onRetry={() => void light.refetch()} />}
      {lights.length > 0 && <KeepForm light={light.data} start={{ name: dojo, kata, language }} onClose={onClose} />}
    </Dialog>
  );
}

interface FormProps {
  light: LightFiles | undefined;
  start: { name: string; kata: string; language: string };
  onClose: () => void;
}

function KeepForm({ light, start, onClose }: FormProps) {
  const { t } = useTranslation(["catalog", "app"]);
  const navigate = useNavigate();
  const [words, setWords] = useState<PocWords>({
    name: start.name,
    description: "",
    languages: start.language,
    tags: splitTags(start.kata).join(", "),
    visibility: "tenant",
  });
  const [problem, setProblem] = useState<WordsProblem | null>(null);
  const keep = useKeepPoc();
  const submit = (files: LightFiles) => {
    const wrong = checkWords(words);
    setProblem(wrong);
    if (wrong !== null || keep.isPending) return;
    const poc = {
      name: words.name.trim(),
      description: words.description,
      languages: splitTags(words.languages),
      tags: splitTags(words.tags),
      visibility: words.visibility,
      files: files.files,
      provenance: files.provenance,
    };
    keep.mutate(poc, {
      onSuccess: ({ id, name }) => {
        onClose();
        notify({
          kind: "success",
          text: t("keep.done", { name }),
          action: { label: t("keep.see"), run: () => void navigate(`/pocs/${id}`) },
        });
      },
    });
  };
  return (
    <Form
      className={styles.form ?? ""}
      onSubmit={(event) => {
        event.preventDefault();
        if (light) submit(light);
      }}
    >
      <PocFields words={words} problem={problem} onChange={setWords} />
      <FormError>{keep.error && problemText(keep.error)}</FormError>
      <DialogActions>
        <Button onPress={onClose}>{t("app:kit.cancel")}</Button>
        <Button type="submit" variant="primary" isPending={keep.isPending} isDisabled={!light}>
          {t("keep.submit")}
        </Button>
      </DialogActions>
    </Form>
  );
}
