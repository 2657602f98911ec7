import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { createMemoryRouter, RouterProvider } from "react-router";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { session } from "../../identity/session";
import type { RoomLink } from "../../wire.gen";
import { JoinPage } from "./JoinPage";

const LINK: RoomLink = {
  room_id: "room",
  name: "FizzBuzz tonight",
  organisation: "Club",
  kata: "fizzbuzz",
  language: "python",
  access: "link",
  is_active: true,
  guest_pass: "pass",
};

interface Sent {
  method: string;
  path: string;
  body: unknown;
}

/** The server: each path's status and body. */
function server(answers: Record<string, [number, unknown]>): Sent[] {
  const sent: Sent[] = [];
  vi.stubGlobal("fetch", (path: string, { method, body }: { method: string; body: string | null }) => {
    sent.push({ method, path, body: body === null ? null : JSON.parse(body) });
    const [status, answer] = answers[path] ?? [404, { code: "not-found", status: 404, title: "Nothing" }];
    return Promise.resolve(new Response(JSON.stringify(answer), { status }));
  });
  return sent;
}

function show(): void {
  const router = createMemoryRouter(
    [
      { path: "/j/:code", element: <JoinPage /> },
      { path: "/rooms/:roomId", element: <p>the room</p> },
    ],
    { initialEntries: ["/j/abc"] },
  );
  render(
    <QueryClientProvider client={new QueryClient()}>
      <RouterProvider router={router} />
    </QueryClientProvider>,
  );
}

beforeEach(() => session.forget());
afterEach(() => vi.unstubAllGlobals());

const signedIn = {
  access_token: "token",
  expires_at: Date.now() / 1000 + 600,
  me: {
    user_id: "b",
    name: "Bo",
    email: null,
    tenant_id: "t",
    organisation: "Club",
    role: "guest",
    scopes: [],
    bound_to: "room",
    memberships: [],
  },
};

test("a guest writes a name and is in the room", async () => {
  const sent = server({ "/api/links/abc": [200, LINK], "/api/guests": [201, signedIn] });
  show();
  await userEvent.type(await screen.findByLabelText("Your name"), "Bo");
  await userEvent.click(screen.getByRole("button", { name: "Join" }));
  expect(await screen.findByText("the room")).toBeInTheDocument();
  expect(sent).toContainEqual({ method: "POST", path: "/api/guests", body: { guest_pass: "pass", name: "Bo" } });
  expect(session.token()).toBe("token");
});

test("a guest without a name is asked for it", async () => {
  server({ "/api/links/abc": [200, LINK] });
  show();
  await userEvent.click(await screen.findByRole("button", { name: "Join" }));
  expect(screen.getByText("Write your name, so that the host knows who knocks.")).toBeInTheDocument();
});

test("who is signed in goes on without a name", async () => {
  server({ "/api/links/abc": [200, LINK] });
  session.accept({ ...signedIn, me: { ...signedIn.me, role: "member", bound_to: null } } as never);
  show();
  expect(await screen.findByText("You come in as Bo.")).toBeInTheDocument();
  await userEvent.click(screen.getByRole("button", { name: "Join" }));
  expect(await screen.findByText("the room")).toBeInTheDocument();
});

test.each([
  ["a dojo that is not held", 200, { ...LINK, is_active: false }, "FizzBuzz tonight is not open now"],
  ["a dojo for members", 200, { ...LINK, access: "members", guest_pass: null }, "For members only"],
  ["a dojo for people with an account", 200, { ...LINK, access: "signed-in", guest_pass: null }, "Sign in to come in"],
  ["an unknown link", 404, { code: "link-not-found", status: 404, title: "x" }, "This link leads nowhere"],
  ["a closed link", 410, { code: "link-gone", status: 410, title: "x" }, "This link is no longer good"],
])("%s has its own words", async (_case, status, body, words) => {
  server({ "/api/links/abc": [status, body] });
  show();
  expect(await screen.findByRole("heading", { name: words })).toBeInTheDocument();
});
