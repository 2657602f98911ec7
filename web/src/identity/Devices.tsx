import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Failed } from "../app/Failed";
import { formatAgo, formatDate } from "../i18n/format";
import { api } from "../kit/api";
import { Card, Skeleton } from "../kit/Bits";
import { Button } from "../kit/Button";
import { Dialog, DialogActions } from "../kit/Dialog";
import { notify } from "../kit/notices";
import { problemText } from "../kit/problems";
import type { DeviceSignIn } from "../wire.gen";
import { readAgent } from "./device";
import styles from "./identity.module.css";
import { session } from "./session";

const KEY = ["me", "devices"];

async function signOutEverywhere(devices: readonly DeviceSignIn[]): Promise<void> {
  await Promise.all(devices.filter(({ current }) => !current).map(({ id }) => api.delete(`/me/devices/${id}`)));
  await session.signOut();
}

export function Devices() {
  const { t } = useTranslation("identity");
  const [asking, setAsking] = useState(false);
  const devices = useQuery({ queryKey: KEY, queryFn: ({ signal }) => api.get<DeviceSignIn[]>("/me/devices", { signal }) });
  return (
    <Card as="section">
      <div className={styles.section}>
        <h2>{t("settings.devices")}</h2>
        <p>{t("settings.devicesText")}</p>
        {devices.isPending && <Skeleton height={60} count={2} />}
        {devices.error && <Failed error={devices.error} onRetry={() => void devices.refetch()} />}
        {devices.data && (
          <>
            <ul className={styles.list}>
              {devices.data.map((device) => (
                <Device key={device.id} device={device} />
              ))}
            </ul>
            <div className={styles.end}>
              <Button icon="leave" onPress={() => setAsking(true)}>
                {t("settings.everywhere")}
              </Button>
            </div>
            {asking && <AskEverywhere devices={devices.data} onClose={() => setAsking(false)} />}
          </>
        )}
      </div>
    </Card>
  );
}

function Device({ device }: { device: DeviceSignIn }) {
  const { t } = useTranslation("identity");
  const client = useQueryClient();
  const agent = readAgent(device.agent);
  const name = agent ? t("settings.on", agent) : t("settings.unknownDevice");
  const signOut = useMutation({
    mutationFn: () => api.delete(`/me/devices/${device.id}`),
    onSuccess: async () => {
      notify({ kind: "success", text: t("settings.signedOut") });
      await client.invalidateQueries({ queryKey: KEY });
    },
    onError: (error) => notify({ kind: "error", text: problemText(error) }),
  });
  return (
    <li>
      <span className={styles.what}>
        {name}
        <small>
          {device.current ? t("settings.current") : t("settings.seen", { when: formatAgo(device.seen_at) })},{" "}
          {t("settings.since", { when: formatDate(device.created_at) })}
        </small>
      </span>
      {!device.current && (
        <Button
          isPending={signOut.isPending}
          aria-label={t("settings.signOutDeviceOf", { device: name })}
          onPress={() => {
            signOut.mutate();
          }}
        >
          {t("settings.signOutDevice")}
        </Button>
      )}
    </li>
  );
}

function AskEverywhere({ devices, onClose }: { devices: readonly DeviceSignIn[]; onClose: () => void }) {
  const { t } = useTranslation(["identity", "app"]);
  const all = useMutation({
    mutationFn: () => signOutEverywhere(devices),
    onError: (error) => notify({ kind: "error", text: problemText(error) }),
  });
  return (
    <Dialog role="alertdialog" size="s" title={t("settings.everywhere")} isOpen onClose={onClose}>
      <p>{t("settings.everywhereAsk")}</p>
      <DialogActions>
        <Button onPress={onClose}>{t("app:kit.cancel")}</Button>
        <Button
          variant="danger"
          isPending={all.isPending}
          onPress={() => {
            all.mutate();
          }}
        >
          {t("settings.everywhere")}
        </Button>
      </DialogActions>
    </Dialog>
  );
}
