/** A quiet page before or after the room: one thing to know, one or two things to do. */

import type { ReactElement, ReactNode } from "react";
import { Brand } from "../../app/Brand";
import { Icon, type IconName } from "../../kit/Icon";
import css from "./Threshold.module.css";

export interface ThresholdProps {
  icon?: IconName;
  title: string;
  words?: ReactNode;
  /** Above the title: whose dojo it is. */
  over?: ReactNode;
  /** Beside the words on a wide screen: the device check. */
  aside?: ReactNode;
  /** Read aloud when it comes. */
  isLive?: boolean;
  children?: ReactNode;
}

export function Threshold({ icon, title, words, over, aside, isLive, children }: ThresholdProps): ReactElement {
  return (
    <main className={css.page}>
      <div className={css.brand}>
        <Brand />
      </div>
      <div className={css.card} data-wide={aside === undefined ? undefined : true}>
        <div className={css.main}>
          {over === undefined ? null : <p className={css.over}>{over}</p>}
          <div role={isLive === true ? "status" : undefined} className={css.words}>
            {icon === undefined ? null : (
              <span className={css.icon}>
                <Icon name={icon} size={30} />
              </span>
            )}
            <h1>{title}</h1>
            {words === undefined ? null : <div>{words}</div>}
          </div>
        </div>
        {aside === undefined ? null : <div className={css.aside}>{aside}</div>}
        <div className={css.actions}>{children}</div>
      </div>
    </main>
  );
}
