"use strict";
(() => {
  const root = document.documentElement;
  const theme = document.querySelector(".theme");
  theme.hidden = false;
  const dark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const label = () => { theme.textContent = dark() ? "Light" : "Dark"; };
  theme.addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; label(); });
  label();

  // A link into something folded or filtered away shows it.
  const reveal = () => {
    const id = decodeURIComponent(location.hash.slice(1));
    const target = id && document.getElementById(id);
    if (!target) return;
    const article = target.closest("article");
    if (article && article.hidden && form) { form.reset(); apply(); }
    for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    const own = target.querySelector(":scope > details");
    if (own) own.open = true;
    target.setAttribute("tabindex", "-1");
    target.focus({ preventScroll: true });
    target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);

  const form = document.querySelector(".filters form");
  const causes = [...document.querySelectorAll("article.cause")];
  const apply = () => {
    const wanted = Object.fromEntries(new FormData(form));
    const text = wanted.file.trim().toLowerCase();
    let shown = 0;
    for (const cause of causes) {
      const { codes, impact, severity, files } = cause.dataset;
      const fits = (!wanted.rule || codes.split(" ").includes(wanted.rule))
        && (!wanted.impact || impact === wanted.impact)
        && (!wanted.severity || severity === wanted.severity)
        && (!text || files.toLowerCase().includes(text));
      cause.hidden = !fits;
      if (fits) shown += 1;
    }
    form.querySelector("output").textContent = `${shown} of ${causes.length} shown`;
  };
  if (form) {
    form.closest(".filters").hidden = false;
    form.addEventListener("input", apply);
    form.addEventListener("reset", () => setTimeout(apply));
    form.addEventListener("submit", (event) => event.preventDefault());
    apply();
    addEventListener("keydown", (event) => {
      const typing = event.target.closest("input, select, textarea");
      if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
        event.preventDefault();
        form.elements.file.focus();
      }
    });
  }
  reveal();
})();
