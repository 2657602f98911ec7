import { Avatar, LightChip } from "../kit/Bits";
import styles from "./Home.module.css";

const CODE = ["def roman(n):", "    if n == 0:", '        return ""', "    value, sign = largest(n)", "    return sign + roman(n - value)"];

/** A room in small: people in a row, the turn's ring, code and a light. Said by the words next to it. */
export function LandingPicture() {
  return (
    <div className={styles.picture} aria-hidden="true">
      <div className={styles.pictureTop}>
        <span className={styles.faces}>
          {["Ana Reis", "Kofi Owusu", "Mina Sato"].map((name) => (
            <Avatar key={name} id={name} name={name} size={34} />
          ))}
        </span>
        <svg width="46" height="46" viewBox="0 0 46 46">
          <circle cx="23" cy="23" r="19" fill="none" stroke="var(--surface-3)" strokeWidth="5" />
          <circle cx="23" cy="23" r="19" fill="none" stroke="var(--accent-text)" strokeWidth="5" strokeLinecap="round" strokeDasharray="82 120" transform="rotate(-90 23 23)" />
          <text x="23" y="27" textAnchor="middle" fontSize="11" fontWeight="700" fill="var(--text)">
            2:45
          </text>
        </svg>
      </div>
      <pre className={styles.pictureCode}>{CODE.join("\n")}</pre>
      <LightChip colour="green" size="l" />
    </div>
  );
}
