import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { afterEach, expect, test, vi } from "vitest";
import { problem, serve } from "../testing/server";
import type { Answer } from "../testing/server";
import { show } from "../testing/show";
import { KeepAsPocDialog } from "./KeepAsPocDialog";

afterEach(() => vi.unstubAllGlobals());

const LIGHTS = [
  { id: "l1", colour: "red", at: 1000 },
  { id: "l2", colour: "green", at: 2000 },
  { id: "l3", colour: "amber", at: 3000 },
] as const;

function open(answer: () => Answer = () => ({ status: 201, body: { id: "p9", name: "Roman, small" } })) {
  const log = serve(({ method, path }) => {
    if (method === "POST") return answer();
    const id = path.split("/").at(-1) ?? "";
    const colour = LIGHTS.find((light) => light.id === id)?.colour;
    return { body: { light_id: id, colour, at: 2000, files: [{ name: "roman.py", text: "x = 1" }], provenance: `vouched-${id}` } };
  });
  return { log, ...show(<Summary />) };
}

function Summary() {
  const [isOpen, setOpen] = useState(true);
  const about = { roomId: "r1", lights: LIGHTS, dojo: "Night shift", kata: "roman-numerals", language: "python" };
  return isOpen && <KeepAsPocDialog {...about} onClose={() => setOpen(false)} />;
}

test("offers the last green light, the dojo's name, kata and language", async () => {
  const { log } = open();
  expect(await screen.findByText("roman.py", { exact: false })).toBeInTheDocument();
  expect(log[0]?.path).toBe("/api/rooms/r1/lights/l2");
  expect(screen.getByRole("textbox", { name: "Name" })).toHaveValue("Night shift");
  expect(screen.getByRole("textbox", { name: "Tags" })).toHaveValue("roman-numerals");
  expect(screen.getByRole("textbox", { name: "Languages" })).toHaveValue("python");
});

test("sends the files of the light with what vouches for them, and links to the new POC", async () => {
  const { log, router } = open();
  await userEvent.selectOptions(await screen.findByRole("combobox", { name: "Light" }), "l3");
  await screen.findByText("roman.py", { exact: false });
  const name = screen.getByRole("textbox", { name: "Name" });
  await userEvent.clear(name);
  await userEvent.type(name, " Roman, small ");
  await userEvent.type(screen.getByRole("textbox", { name: "Tags" }), ", TDD,tdd");
  await userEvent.click(screen.getByRole("button", { name: "Keep" }));
  expect(await screen.findByText("“Roman, small” is kept.")).toBeInTheDocument();
  expect(screen.queryByRole("dialog")).not.toBeInTheDocument();
  expect(log.find(({ method }) => method === "POST")).toMatchObject({
    path: "/api/pocs",
    body: {
      name: "Roman, small",
      tags: ["roman-numerals", "tdd"],
      languages: ["python"],
      visibility: "tenant",
      files: [{ name: "roman.py", text: "x = 1" }],
      provenance: "vouched-l3",
    },
  });
  await userEvent.click(screen.getByRole("button", { name: "See the POC" }));
  await waitFor(() => expect(router.state.location.pathname).toBe("/pocs/p9"));
});

test("says which tag cannot be, and sends nothing", async () => {
  const { log } = open();
  await screen.findByText("roman.py", { exact: false });
  await userEvent.type(screen.getByRole("textbox", { name: "Tags" }), ", não");
  await userEvent.click(screen.getByRole("button", { name: "Keep" }));
  expect(await screen.findByText(/“não” cannot be a tag/)).toBeInTheDocument();
  expect(log.some(({ method }) => method === "POST")).toBe(false);
});

test("what the server refuses is said in the dialog, which stays", async () => {
  open(() => problem(503, "unavailable"));
  await screen.findByText("roman.py", { exact: false });
  await userEvent.click(screen.getByRole("button", { name: "Keep" }));
  expect(await screen.findByText(/not answering/)).toBeInTheDocument();
  expect(screen.getByRole("dialog", { name: "Keep as POC" })).toBeInTheDocument();
});
