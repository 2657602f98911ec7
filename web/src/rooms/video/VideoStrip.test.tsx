import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import { person, roomState } from "../testing/state";
import type { Media } from "./useMedia";
import { EMPTY_VIEW, type Face } from "./view";
import { VideoStrip } from "./VideoStrip";

const STATE = roomState([person("a", "Ana", { role: "host" }), person("b", "Bo"), person("c", "Caio", { hand_at: 5 })]);

function media(more: Partial<Media>): Media {
  const nothing = (): void => undefined;
  return {
    ...EMPTY_VIEW,
    status: "on",
    toggleMicrophone: nothing,
    toggleCamera: nothing,
    choose: nothing,
    shareScreen: () => Promise.resolve(),
    stopScreens: nothing,
    hear: nothing,
    takeBack: nothing,
    ...more,
  };
}

const face = (id: string, more: Partial<Face> = {}): Face => ({
  id,
  name: id,
  isMe: false,
  camera: null,
  microphone: true,
  speaking: false,
  loudness: 0,
  quality: "good",
  ...more,
});

function show(shown: Media, folded = false, onFold: (folded: boolean) => void = () => undefined): void {
  render(<VideoStrip state={STATE} myId="a" media={shown} folded={folded} onFold={onFold} />);
}

test("the loudest is first, then hands, and each tile says how it is", () => {
  show(media({ faces: [face("a"), face("b", { speaking: true, loudness: 0.6 }), face("c", { microphone: false })] }));
  expect(screen.getAllByRole("group").map((tile) => tile.getAttribute("aria-label"))).toEqual([
    "Bo, camera off, speaking",
    "Caio, camera off, microphone off, hand up",
    "Ana, camera off",
  ]);
});

test("a camera is played on the tile, and taken off with it", () => {
  const camera = { attach: vi.fn(), detach: vi.fn(), mediaStreamTrack: {} as MediaStreamTrack };
  const { unmount } = render(
    <VideoStrip state={STATE} myId="a" media={media({ faces: [face("b", { camera })] })} folded={false} onFold={() => undefined} />,
  );
  expect(screen.getByRole("group", { name: "Bo, camera on" })).toBeInTheDocument();
  expect(camera.attach).toHaveBeenCalledOnce();
  unmount();
  expect(camera.detach).toHaveBeenCalledOnce();
});

test("without LiveKit a calm line says so, and nothing else is shown", () => {
  show(media({ status: "off", reason: "no-media" }));
  expect(screen.getByRole("status")).toHaveTextContent("Audio and video are off here: this server has none.");
  expect(screen.queryByRole("group")).toBeNull();
});

test("blocked sound has a button", async () => {
  const hear = vi.fn();
  show(media({ audioBlocked: true, hear }));
  await userEvent.click(screen.getByRole("button", { name: "Click to hear" }));
  expect(hear).toHaveBeenCalledOnce();
});

test("the strip folds", async () => {
  const onFold = vi.fn();
  show(media({}), false, onFold);
  await userEvent.click(screen.getByRole("button", { name: "Hide the faces" }));
  expect(onFold).toHaveBeenCalledWith(true);
});
