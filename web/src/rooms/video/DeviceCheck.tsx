/** See and hear oneself before going in; a refusal or a missing device has words and a way on. */

import { useEffect, useRef, type ReactElement } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../kit/Button";
import { Select } from "../../kit/Field";
import { Icon } from "../../kit/Icon";
import type { DeviceProblem } from "./capture";
import { useIsPhone } from "../panels/useIsPhone";
import { LevelMeter } from "./LevelMeter";
import { useDeviceCheck, type DeviceCheckState } from "./useDeviceCheck";
import { useDevices } from "./useDevices";
import css from "./DeviceCheck.module.css";

export function DeviceCheck(): ReactElement {
  const { t } = useTranslation("rooms");
  const check = useDeviceCheck();
  const { choices, change } = check;
  return (
    <section className={css.check} aria-label={t("devices.title")}>
      <Preview check={check} />
      <div className={css.switches}>
        <Switch
          on={choices.microphone}
          hasTrouble={check.microphone.problem !== null}
          icon={choices.microphone && check.microphone.problem === null ? "mic" : "micOff"}
          label={t("bar.microphone")}
          words={t(check.microphone.problem !== null ? "devices.missing" : choices.microphone ? "devices.microphoneOn" : "devices.microphoneOff")}
          onPress={() => change({ microphone: !choices.microphone })}
        />
        <Switch
          on={choices.camera}
          hasTrouble={check.camera.problem !== null}
          icon={choices.camera && check.camera.problem === null ? "camera" : "cameraOff"}
          label={t("bar.camera")}
          words={t(check.camera.problem !== null ? "devices.missing" : choices.camera ? "devices.cameraOn" : "devices.cameraOff")}
          onPress={() => change({ camera: !choices.camera })}
        />
      </div>
      {choices.microphone && check.microphone.problem === null ? <LevelMeter track={check.microphone.track} /> : null}
      <Problems check={check} />
      <Choices check={check} />
    </section>
  );
}

function Preview({ check }: { check: DeviceCheckState }): ReactElement {
  const { t } = useTranslation("rooms");
  const video = useRef<HTMLVideoElement>(null);
  const track = check.camera.track;
  useEffect(() => {
    const element = video.current;
    if (element === null || track === null) return undefined;
    element.srcObject = new MediaStream([track]);
    return () => {
      element.srcObject = null;
    };
  }, [track]);
  return (
    <div className={css.preview}>
      {track !== null && check.choices.camera ? (
        <video ref={video} className={css.picture} aria-label={t("devices.preview")} autoPlay playsInline muted />
      ) : (
        <p className={css.blank}>
          <Icon name="cameraOff" size={32} />
          {check.asking ? t("devices.asking") : t("devices.cameraIsOff")}
        </p>
      )}
    </div>
  );
}

interface SwitchProps {
  on: boolean;
  hasTrouble: boolean;
  icon: "mic" | "micOff" | "camera" | "cameraOff";
  label: string;
  words: string;
  onPress: () => void;
}

function Switch({ on, hasTrouble, icon, label, words, onPress }: SwitchProps): ReactElement {
  return (
    <button type="button" className={css.switch} aria-pressed={on} data-trouble={(on && hasTrouble) || undefined} onClick={onPress}>
      <Icon name={icon} />
      <span>{label}</span> <span className={css.state}>{words}</span>
    </button>
  );
}

/** The same trouble with both is said once. */
function Problems({ check }: { check: DeviceCheckState }): ReactElement {
  const { t } = useTranslation("rooms");
  const { microphone, camera } = check;
  const same = microphone.problem !== null && microphone.problem === camera.problem;
  const say = (what: "both" | "microphone" | "camera", problem: DeviceProblem | null): ReactElement | null =>
    problem === null ? null : <p>{t(`devices.problem.${what}.${problem}`)}</p>;
  const any = microphone.problem !== null || camera.problem !== null;
  return (
    <div role="status" className={any ? css.problems : undefined}>
      {same ? (
        say("both", microphone.problem)
      ) : (
        <>
          {say("microphone", microphone.problem)}
          {say("camera", camera.problem)}
        </>
      )}
      {any ? (
        <div className={css.ways}>
          <Button size="s" icon="refresh" onPress={check.again}>
            {t("devices.again")}
          </Button>
          <span>{t("devices.wayOn")}</span>
        </div>
      ) : null}
    </div>
  );
}

function Choices({ check }: { check: DeviceCheckState }): ReactElement | null {
  const { t } = useTranslation("rooms");
  const devices = useDevices(`${String(check.microphone.track?.id)} ${String(check.camera.track?.id)}`);
  const isPhone = useIsPhone();
  const { choices, change } = check;
  if (Math.max(devices.microphones.length, devices.cameras.length, devices.speakers.length) < 2) return null;
  return (
    <details open={!isPhone}>
      <summary className={css.summary}>
        {t("devices.choose")}
        <Icon name="chevronDown" />
      </summary>
      <div className={css.choices}>
        <DeviceSelect
          label={t("devices.audioInput")}
          devices={devices.microphones}
          value={choices.microphoneId}
          onChange={(microphoneId) => change({ microphoneId })}
        />
        <DeviceSelect
          label={t("devices.videoInput")}
          devices={devices.cameras}
          value={choices.cameraId}
          onChange={(cameraId) => change({ cameraId })}
        />
        <DeviceSelect
          label={t("devices.audioOutput")}
          devices={devices.speakers}
          value={choices.speakerId}
          onChange={(speakerId) => change({ speakerId })}
        />
      </div>
    </details>
  );
}

interface DeviceSelectProps {
  label: string;
  devices: readonly MediaDeviceInfo[];
  value: string | null;
  onChange: (id: string | null) => void;
}

/** One device is no choice: shown from two on. */
function DeviceSelect({ label, devices, value, onChange }: DeviceSelectProps): ReactElement | null {
  const { t } = useTranslation("rooms");
  if (devices.length < 2) return null;
  const options = devices.map((device, index) => ({
    value: device.deviceId,
    label: device.label || t("devices.unnamed", { count: index + 1 }),
  }));
  const known = options.some((option) => option.value === value);
  return (
    <Select
      label={label}
      value={known && value !== null ? value : (options[0]?.value ?? "")}
      options={options}
      onChange={onChange}
    />
  );
}
