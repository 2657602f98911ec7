import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import type { RefObject } from "react";
import { api, Problem } from "../kit/api";
import { Icon } from "../kit/Icon";
import type { PocSummary } from "../wire.gen";
import styles from "./Cover.module.css";

/** Milliseconds in which a worker draws the picture of a POC that has just been kept. */
const DRAWING_MS = 3000;
const KEPT_MS = 600_000;

/**
 * The code card of a POC. Its place is there from the start and stays quiet when there is no picture.
 * Says nothing to screen readers: all that it shows is written next to it.
 */
export function Cover({ poc }: { poc: PocSummary }) {
  const place = useRef<HTMLSpanElement>(null);
  const address = useAddress(useCover(poc, useSeen(place)));
  return (
    <span ref={place} className={styles.cover} aria-hidden="true">
      {address === null ? <Icon name="code" size={24} /> : <img src={address} width={1200} height={630} alt="" />}
    </span>
  );
}

function useCover({ id, revision, created_at }: PocSummary, isSeen: boolean): Blob | null {
  const cover = useQuery({
    queryKey: ["covers", id, revision],
    queryFn: async ({ signal }) => {
      const age = Date.now() - Date.parse(created_at);
      if (age >= 0 && age < DRAWING_MS) await new Promise((resolve) => setTimeout(resolve, DRAWING_MS - age));
      return api.blob(`/covers/${id}`, { signal }).catch((error: unknown) => {
        if (error instanceof Problem && error.status === 404) return null;
        throw error;
      });
    },
    enabled: isSeen,
    staleTime: ({ state }) => (state.data ? KEPT_MS : 0),
  });
  return cover.data ?? null;
}

/** Whether the place has been on the screen: a long list asks only for what is looked at. */
function useSeen(place: RefObject<Element | null>): boolean {
  const [isSeen, setSeen] = useState(false);
  useEffect(() => {
    if (isSeen || place.current === null) return undefined;
    const observer = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) setSeen(true);
    });
    observer.observe(place.current);
    return () => observer.disconnect();
  }, [isSeen, place]);
  return isSeen;
}

/** An address for the picture, as long as the component is there. */
function useAddress(blob: Blob | null): string | null {
  const [address, setAddress] = useState<string | null>(null);
  useEffect(() => {
    if (blob === null) return undefined;
    const made = URL.createObjectURL(blob);
    setAddress(made);
    return () => {
      setAddress(null);
      URL.revokeObjectURL(made);
    };
  }, [blob]);
  return address;
}
