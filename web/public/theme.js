// Runs before the first paint, so that a chosen theme and language never flash the other one.
(function () {
  var theme = null;
  var language = navigator.language;
  try {
    theme = localStorage.getItem("dojo.theme");
    language = localStorage.getItem("dojo.language") || language;
  } catch (_) {
    // Storage is closed to us (privacy mode): the system's preference stands.
  }
  var dark = matchMedia("(prefers-color-scheme: dark)");
  if (theme !== "light" && theme !== "dark") {
    theme = dark.matches ? "dark" : "light";
    // Until a page with the choice is loaded (src/app/theme.ts), the system's is followed here.
    dark.addEventListener("change", function () {
      var chosen = null;
      try {
        chosen = localStorage.getItem("dojo.theme");
      } catch (_) {
        // As above.
      }
      if (chosen !== "light" && chosen !== "dark") document.documentElement.dataset.theme = dark.matches ? "dark" : "light";
    });
  }
  document.documentElement.dataset.theme = theme;
  document.documentElement.lang = /^pt/i.test(language) ? "pt-BR" : "en";
})();
