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
  if (theme !== "light" && theme !== "dark") {
    theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }
  document.documentElement.dataset.theme = theme;
  document.documentElement.lang = /^pt/i.test(language) ? "pt-BR" : "en";
})();
