import { useTranslation } from "react-i18next";
import { formatClock, formatPercent } from "../../i18n/format";
import { Avatar } from "../../kit/Bits";
import { colourOf } from "../../kit/colours";
import type { DriverShare } from "../../wire.gen";
import styles from "./Summary.module.css";

/** Who had the keyboard for how long, as bars with their numbers. */
export function DriverShares({ drivers }: { drivers: readonly DriverShare[] }) {
  const { t } = useTranslation("dojos");
  const total = drivers.reduce((sum, { seconds }) => sum + seconds, 0);
  const most = Math.max(0, ...drivers.map(({ seconds }) => seconds)) || 1;
  const sorted = [...drivers].sort((a, b) => b.seconds - a.seconds);
  return (
    <section aria-labelledby="drivers" className={styles.drivers}>
      <h2 id="drivers">{t("summary.drivers")}</h2>
      {drivers.length === 0 && <p className={styles.quiet}>{t("summary.noDrivers")}</p>}
      <ul className={styles.bars}>
        {sorted.map(({ user_id, name, seconds, turns }) => (
          <li key={user_id}>
            <Avatar id={user_id} name={name} size={32} />
            <div className={styles.barWords}>
              <span className={styles.barName}>
                <strong>{name}</strong> <span>{formatPercent(total > 0 ? seconds / total : 0)}</span>
              </span>
              <span className={styles.bar} aria-hidden="true">
                <span style={{ width: `${String((100 * seconds) / most)}%`, background: colourOf(user_id) }} />
              </span>
              <small>{t("summary.driverOf", { time: formatClock(seconds), turns: t("summary.turns", { count: turns }) })}</small>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}
