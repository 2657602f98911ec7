import type { ReactNode } from "react";

/** 24-unit strokes. Decorative by default: the control that holds an icon has the words. */
const SHAPES = {
  alert: <path d="M12 3.5 2.5 20h19L12 3.5ZM12 10v4.5M12 17.4v.1" />,
  arrowLeft: <path d="M19 12H5m6-6-6 6 6 6" />,
  arrowRight: <path d="M5 12h14m-6-6 6 6-6 6" />,
  bell: <path d="M6 16.5V11a6 6 0 1 1 12 0v5.5l1.5 2h-15l1.5-2ZM10 21h4" />,
  camera: <path d="M3 7h12v10H3zM15 11l6-3.5v9L15 13" />,
  cameraOff: <path d="M3 3l18 18M7 7h8v8m0 2H3V7h.5M15 11l6-3.5v9" />,
  chat: <path d="M4 5h16v11H9.5L5 20v-4H4z" />,
  check: <path d="m4.5 12.5 5 5 10-11" />,
  chevronDown: <path d="m6 9 6 6 6-6" />,
  chevronUp: <path d="m6 15 6-6 6 6" />,
  clock: <path d="M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM12 7.5V12l3 2" />,
  close: <path d="M6 6l12 12M18 6 6 18" />,
  code: <path d="m8.5 7-5 5 5 5M15.5 7l5 5-5 5" />,
  coffee: <path d="M4 9h13v6a5 5 0 0 1-5 5H9a5 5 0 0 1-5-5zM17 10h1.5a2.500 2.500 0 0 1 0 5H17M8 3v3M12.500 3v3" />,
  copy: <path d="M9 9h11v11H9zM5 15H4V4h11v1" />,
  crown: <path d="m4 8 4 4 4-7 4 7 4-4-1.5 10h-13z" />,
  door: <path d="M5 21V3h9v18M3 21h18M14 7h5v14M11 12v.1" />,
  drag: <path d="M9 6h.1M15 6h.1M9 12h.1M15 12h.1M9 18h.1M15 18h.1" />,
  edit: <path d="m4 20 1-4.5L16 4.5l3.5 3.5-11 11L4 20Z" />,
  expand: <path d="M9 4H4v5M15 4h5v5M9 20H4v-5M15 20h5v-5" />,
  eye: <path d="M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12ZM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6Z" />,
  file: <path d="M6 3h8l4 4v14H6zM14 3v4h4" />,
  globe: <path d="M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM3.3 10h17.4M3.3 14h17.4M12 3c-5 5-5 13 0 18 5-5 5-13 0-18Z" />,
  hand: <path d="M7 12V6.2a1.5 1.5 0 0 1 3 0V11 4.5a1.5 1.5 0 0 1 3 0V11 5.5a1.5 1.5 0 0 1 3 0V12 8.5a1.5 1.5 0 0 1 3 0V15a6 6 0 0 1-6 6h-1c-2.5 0-4-1.2-5.2-3.2L4 13.6a1.5 1.5 0 0 1 2.5-1.5L8 14" />,
  headphones: <path d="M4 18v-5a8 8 0 0 1 16 0v5M4 15h3v6H4zM17 15h3v6h-3z" />,
  heart: <path d="M12 20S3.5 15 3.5 9A4.5 4.5 0 0 1 12 7a4.5 4.5 0 0 1 8.5 2c0 6-8.5 11-8.5 11Z" />,
  help: <path d="M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM9.5 9.5a2.5 2.5 0 1 1 3.5 2.3c-.7.3-1 .8-1 1.7M12 17v.1" />,
  keyboard: <path d="M2.5 6h19v12h-19zM6 10h.1M10 10h.1M14 10h.1M18 10h.1M7 14h10" />,
  laptop: <path d="M5 5h14v10H5zM2.5 19h19" />,
  leave: <path d="M14 4H5v16h9M10 12h11m-4-4 4 4-4 4" />,
  link: <path d="M10 14a4 4 0 0 0 5.7 0l3.6-3.6a4 4 0 0 0-5.7-5.7L12.5 6M14 10a4 4 0 0 0-5.7 0l-3.6 3.6a4 4 0 0 0 5.7 5.7L11.500 18" />,
  lock: <path d="M5.500 11h13v9h-13zM8.500 11V8a3.500 3.500 0 0 1 7 0v3" />,
  menu: <path d="M4 7h16M4 12h16M4 17h16" />,
  mic: <path d="M12 3a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3ZM6 11a6 6 0 0 0 12 0M12 17v4" />,
  micOff: <path d="M3 3l18 18M9 6a3 3 0 0 1 6 0v5M9 9v2a3 3 0 0 0 4 2.800M6 11a6 6 0 0 0 9 5.200M18 11v1M12 17v4" />,
  minus: <path d="M5 12h14" />,
  moon: <path d="M19.500 14.500A8 8 0 0 1 9.500 4.500a8 8 0 1 0 10 10Z" />,
  more: <path d="M5 12h.1M12 12h.1M19 12h.1" />,
  notes: <path d="M5 4h14v16H5zM8.500 9h7M8.500 13h7M8.500 17h4" />,
  pause: <path d="M8 5v14M16 5v14" />,
  people: <path d="M9 4.500a3.500 3.500 0 1 0 0 7 3.500 3.500 0 0 0 0-7ZM2.500 20a6.500 6.500 0 0 1 13 0M16 5a3.500 3.500 0 0 1 0 6.500M18 14.500a6.500 6.500 0 0 1 3.500 5.500" />,
  person: <path d="M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM4.500 20.500a7.500 7.500 0 0 1 15 0" />,
  play: <path d="M7 4.500v15l12-7.500z" />,
  plus: <path d="M12 5v14M5 12h14" />,
  refresh: <path d="M20 11a8 8 0 0 0-14.500-3.500L4 9M4 4v5h5M4 13a8 8 0 0 0 14.500 3.500L20 15M20 20v-5h-5" />,
  screen: <path d="M3 4h18v13H3zM8 21h8M12 17v4M12 13V8m-2.500 2.500L12 8l2.500 2.500" />,
  search: <path d="M10.500 4a6.500 6.500 0 1 0 0 13 6.500 6.500 0 0 0 0-13ZM15.500 15.500 20.500 20.500" />,
  send: <path d="M4 12 3.500 4.500 21 12 3.500 19.500 4 12h8" />,
  settings: <path d="M4 7h9M17 7h3M4 17h3M11 17h9M13 4.500v5M7 14.500v5" />,
  shuffle: <path d="M3 7h4l9 10h5m-3-3 3 3-3 3M3 17h4l2.500-2.800M13.500 9.800 16 7h5m-3-3 3 3-3 3" />,
  signal: <path d="M4 19v-3M9.300 19v-7M14.600 19V8M20 19V4" />,
  skip: <path d="M6 5v14l9-7zM18 5v14" />,
  smile: <path d="M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM8.500 14a4 4 0 0 0 7 0M9 9.500v.1M15 9.500v.1" />,
  speaker: <path d="M4 9.500v5h4l5 4v-13l-5 4zM16.500 9a4 4 0 0 1 0 6M19 6.500a8 8 0 0 1 0 11" />,
  star: <path d="m12 3.500 2.600 5.500 6 .800-4.400 4.200 1.100 6L12 17.100 6.700 20l1.100-6-4.400-4.200 6-.800z" />,
  stop: <path d="M6 6h12v12H6z" />,
  sun: <path d="M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM12 2.500v2M12 19.500v2M2.500 12h2M19.500 12h2M5.300 5.300l1.400 1.400M17.300 17.300l1.400 1.400M5.300 18.700l1.400-1.400M17.300 6.700l1.400-1.400" />,
  sync: <path d="M4 9h13l-3.500-3.500M20 15H7l3.500 3.500" />,
  tag: <path d="M4 4h8l8.500 8.500-8 8L4 12zM8.500 8.500v.1" />,
  trash: <path d="M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5" />,
  undo: <path d="M8 5 4 9l4 4M4 9h9.500a5.500 5.500 0 0 1 0 11H9" />,
  wheel: <path d="M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM12 9.500a2.500 2.500 0 1 0 0 5 2.500 2.500 0 0 0 0-5ZM3.300 10.500l6.300.8M20.700 10.500l-6.300.8M12 14.500V21" />,
  wifiOff: <path d="M3 3l18 18M5 12.500a10 10 0 0 1 4-2.300M2.500 9a14 14 0 0 1 4-2.600M8.500 16a5 5 0 0 1 6 -.300M12 19.500v.1M12.500 6a14 14 0 0 1 9 3M16 11a10 10 0 0 1 3 1.500" />,
} satisfies Record<string, ReactNode>;

export type IconName = keyof typeof SHAPES;

const FILLED: ReadonlySet<IconName> = new Set(["star", "heart"]);

interface Props {
  name: IconName;
  /** Pixels; the stroke scales with it. */
  size?: number;
  /** Solid, for a star or heart that is on. */
  filled?: boolean;
}

export function Icon({ name, size = 20, filled = false }: Props) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill={filled && FILLED.has(name) ? "currentColor" : "none"}
      stroke="currentColor"
      strokeWidth={1.9}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
      style={{ flex: "none" }}
    >
      {SHAPES[name]}
    </svg>
  );
}
