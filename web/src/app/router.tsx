import type { ComponentType } from "react";
import { createBrowserRouter } from "react-router";
import { loadWords } from "../i18n";
import type { Namespace } from "../i18n";
import { GuardedLayout, Layout, Shell } from "./Layout";
import { NotFoundPage } from "./NotFoundPage";
import { RouteError } from "./RouteError";
import { StartingPage } from "./StartingPage";

/** A page and the messages that it speaks, fetched side by side. */
function page(load: () => Promise<ComponentType>, ...namespaces: Namespace[]) {
  return async () => ({ Component: (await Promise.all([load(), loadWords(...namespaces)]))[0] });
}

/** Every page is its own download; the room's brings the editor, LiveKit and Pyodide when it needs them. */
export const router = createBrowserRouter([
  {
    element: <Shell />,
    errorElement: <RouteError />,
    hydrateFallbackElement: <StartingPage />,
    children: [
      {
        element: <Layout />,
        children: [
          {
            errorElement: <RouteError />,
            children: [
              { index: true, lazy: page(async () => (await import("./HomePage")).HomePage) },
              { path: "sign-in", lazy: page(async () => (await import("../identity/SignInPage")).SignInPage, "identity") },
              { path: "sign-up", lazy: page(async () => (await import("../identity/SignUpPage")).SignUpPage, "identity") },
              {
                path: "invitations/:word",
                lazy: page(async () => (await import("../identity/InvitationPage")).InvitationPage, "identity"),
              },
              {
                element: <GuardedLayout />,
                children: [
                  { path: "start", lazy: page(async () => (await import("../rooms/pages/StartPage")).StartPage, "rooms", "dojos") },
                  {
                    path: "rooms/:roomId/sessions/:sessionId",
                    lazy: page(async () => (await import("../rooms/pages/SummaryPage")).SummaryPage, "dojos", "catalog"),
                  },
                  { path: "pocs", lazy: page(async () => (await import("../catalog/CataloguePage")).CataloguePage, "catalog") },
                  { path: "pocs/:pocId", lazy: page(async () => (await import("../catalog/PocPage")).PocPage, "catalog") },
                  { path: "settings", lazy: page(async () => (await import("../identity/SettingsPage")).SettingsPage, "identity") },
                ],
              },
              { path: "*", element: <NotFoundPage /> },
            ],
          },
        ],
      },
      // The room and its door fill the screen: they bring their own bars and landmarks.
      {
        errorElement: <RouteError />,
        children: [
          { path: "j/:code", lazy: page(async () => (await import("../rooms/pages/JoinPage")).JoinPage, "rooms", "dojos") },
          {
            element: <GuardedLayout />,
            children: [{ path: "rooms/:roomId", lazy: page(async () => (await import("../rooms/pages/RoomPage")).RoomPage, "rooms", "dojos") }],
          },
        ],
      },
    ],
  },
]);
