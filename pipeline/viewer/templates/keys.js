"use strict";
(() => {
  const all = (what) => Array.from(document.querySelectorAll(what));
  const go = (what) => {
    const link = document.querySelector(what);
    if (link) link.click();
    return Boolean(link);
  };
  const toggle = (what) => {
    const found = all(what);
    const open = found.some((each) => !each.open);
    found.forEach((each) => { each.open = open; });
    return found.length > 0;
  };
  const move = (by) => {
    const rows = all(".rows a");
    if (!rows.length) return false;
    const at = rows.indexOf(document.activeElement);
    const next = at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + by));
    rows[next].focus();
    rows[next].scrollIntoView({ block: "nearest" });
    return true;
  };
  const focus = (what) => {
    const field = document.querySelector(what);
    if (field) { field.focus(); field.select(); }
    return Boolean(field);
  };
  const inList = () => document.querySelector("main.problem") === null;
  const onRow = () => document.activeElement && document.activeElement.closest(".rows") !== null;
  const acts = {
    j: () => (inList() ? move(1) : go("a[rel=next]")),
    k: () => (inList() ? move(-1) : go("a[rel=prev]")),
    ArrowDown: () => inList() && onRow() && move(1),
    ArrowUp: () => inList() && onRow() && move(-1),
    ArrowRight: () => go("a[rel=next]"),
    ArrowLeft: () => go("a[rel=prev]"),
    u: () => go("a[data-key=u]"),
    w: () => go("a[data-key=w]"),
    o: () => toggle(".rollout"),
    r: () => {
      const shut = all(".reasoning").some((each) => !each.open);
      if (shut) all(".rollout").forEach((each) => { if (each.querySelector(".reasoning")) each.open = true; });
      return toggle(".reasoning");
    },
    f: () => focus("input[data-key=f]"),
    "/": () => focus("input[data-key='/']"),
    "?": () => toggle(".keys"),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.closest("input, select, textarea")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const act = Object.hasOwn(acts, event.key) ? acts[event.key] : null;
    if (act && act()) event.preventDefault();
  });
  const filters = document.querySelector("form.filters");
  if (filters) {
    // Where there is room, filters in force stay in sight.
    if (window.innerWidth > 860) all("details[data-open]").forEach((each) => { each.open = true; });
    filters.addEventListener("submit", () => {
      for (const field of filters.elements) field.disabled = field.disabled || field.value === "" || (field.name === "sort" && field.value === "id");
    });
    window.addEventListener("pageshow", () => { for (const field of filters.elements) field.disabled = false; });
  }
})();
