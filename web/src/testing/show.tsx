import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render } from "@testing-library/react";
import type { ReactNode } from "react";
import { createMemoryRouter, RouterProvider } from "react-router";
import { NoticeRegion } from "../kit/NoticeRegion";

/** Renders an element at an address, with what the application has around every page. */
export function show(element: ReactNode, { path = "/", at = "/" } = {}) {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const router = createMemoryRouter(
    [
      { path, element },
      { path: "*", element: <p>elsewhere</p> },
    ],
    { initialEntries: [at] },
  );
  render(
    <QueryClientProvider client={client}>
      <RouterProvider router={router} />
      <NoticeRegion />
    </QueryClientProvider>,
  );
  return { router, client };
}
