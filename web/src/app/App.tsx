import { QueryClientProvider } from "@tanstack/react-query";
import { useEffect } from "react";
import { I18nProvider } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { RouterProvider } from "react-router";
import { session } from "../identity/session";
import { createQueryClient } from "./queryClient";
import { router } from "./router";

const queryClient = createQueryClient();

export function App() {
  const { i18n } = useTranslation();
  useEffect(() => {
    let person = session.get().signedIn?.me.user_id;
    return session.subscribe(({ signedIn }) => {
      // What one person has seen is not the next one's to see.
      if (signedIn?.me.user_id !== person) queryClient.clear();
      person = signedIn?.me.user_id;
    });
  }, []);
  return (
    <QueryClientProvider client={queryClient}>
      <I18nProvider locale={i18n.language}>
        <RouterProvider router={router} />
      </I18nProvider>
    </QueryClientProvider>
  );
}
