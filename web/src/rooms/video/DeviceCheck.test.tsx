import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readChoices } from "./choices";
import { DeviceCheck } from "./DeviceCheck";

function withDevices(media: object | undefined): void {
  Object.defineProperty(navigator, "mediaDevices", { configurable: true, value: media });
}

/** The browser's devices: `answer` opens them, or throws as browsers do. */
function browser(answer: (wanted: MediaStreamConstraints) => MediaStream): void {
  const media = {
    getUserMedia: (wanted: MediaStreamConstraints) => Promise.resolve(wanted).then(answer),
    enumerateDevices: () => Promise.resolve([]),
    addEventListener: () => undefined,
    removeEventListener: () => undefined,
  };
  withDevices(media);
}

function stream(kind: "audio" | "video"): MediaStream {
  const track = { id: kind, kind, stop: () => undefined };
  const of = (wanted: string) => () => (kind === wanted ? [track] : []);
  return { getTracks: () => [track], getAudioTracks: of("audio"), getVideoTracks: of("video") } as unknown as MediaStream;
}

const thrown = (name: string) => (): never => {
  throw new DOMException("", name);
};

beforeEach(() => localStorage.clear());
afterEach(() => withDevices(undefined));

test("a refusal has words, a second try and a way on", async () => {
  browser(thrown("NotAllowedError"));
  render(<DeviceCheck />);
  expect(await screen.findByText(/does not let us use the camera and the microphone/)).toBeInTheDocument();
  expect(screen.getByRole("button", { name: "Try again" })).toBeInTheDocument();
  expect(screen.getByText(/go on without/)).toBeInTheDocument();
});

test("a missing camera does not cost the microphone", async () => {
  browser(({ audio, video }) => {
    if (video) return thrown("NotFoundError")();
    return audio ? stream("audio") : stream("video");
  });
  render(<DeviceCheck />);
  expect(await screen.findByText(/We found no camera/)).toBeInTheDocument();
  expect(screen.queryByText(/no microphone/)).toBeNull();
  expect(screen.getByRole("meter", { name: "Sound level" })).toBeInTheDocument();
});

test("a page without secure devices says so", async () => {
  withDevices(undefined);
  render(<DeviceCheck />);
  expect(await screen.findByText(/needs a secure address/)).toBeInTheDocument();
});

test("what was switched off is remembered for the room, and not asked for", async () => {
  const asked: MediaStreamConstraints[] = [];
  browser((wanted) => {
    asked.push(wanted);
    return stream("audio");
  });
  localStorage.setItem("dojo.devices", JSON.stringify({ camera: false }));
  render(<DeviceCheck />);
  expect(await screen.findByText("Your camera is off")).toBeInTheDocument();
  expect(asked).toEqual([{ audio: true }]);
  await userEvent.click(screen.getByRole("button", { name: "Microphone on" }));
  expect(readChoices()).toMatchObject({ camera: false, microphone: false });
});
