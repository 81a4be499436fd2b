// The search page around <casebook-search>: its address follows what is asked, so that it can be shared
// and the back button works. The widget itself leaves the address of the page that it stands in alone.
"use strict";

(() => {
  const search = document.getElementById("search");
  const name = document.querySelector("h1").textContent;

  /** Where this page asks the same again. */
  function addressOf({ query, filters }) {
    const parameters = new URLSearchParams({ q: query });
    for (const part of ["district", "collection", "year"]) {
      const [value] = filters[part] || [];
      if (value) parameters.set(part, value);
    }
    return `./?${parameters}`;
  }

  let shown = location.search;
  search.addEventListener("casebook:ask", (event) => {
    const address = addressOf(event.detail);
    document.title = `${event.detail.query} · ${name}`;
    // The page for browsers without scripts asks once more; going back must not lead to it.
    if (location.pathname.endsWith("/search")) history.replaceState(null, "", address);
    else if (new URL(address, location.href).search !== location.search) history.pushState(null, "", address);
    shown = location.search;
  });
  // A link within the page is a step in the history, too; it asks nothing.
  addEventListener("popstate", () => {
    if (location.search !== shown) location.reload();
  });
})();
