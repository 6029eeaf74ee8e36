// The page's own script: keeps address, title, language and theme as the kernel says, tells the
// kernel what the browser remembers, and names controls for assistive technology.
(() => {
  "use strict";
  // The map library compiles templates of a control that isn't used here, which the page's content
  // policy forbids and which would end the library: it gets a function that writes nothing instead.
  window.Function = new Proxy(window.Function, {
    apply(target, self, given) {
      try {
        return Reflect.apply(target, self, given);
      } catch (error) {
        if (!(error instanceof EvalError)) throw error;
        return () => () => "";
      }
    },
  });

  const root = document.documentElement;
  const memory = (() => {
    try {
      return window.localStorage;
    } catch {
      return null;
    }
  })();
  const remembered = memory && memory.getItem("microgrid.theme");
  if (remembered === "light" || remembered === "dark") root.dataset.mgTheme = remembered;

  let shown = null;
  let greeted = false;

  const tell = (pairs) => {
    const field = document.querySelector(".mg-bridge-in input");
    if (!field) return;
    field.value = new URLSearchParams(pairs).toString();
    field.dispatchEvent(new Event("change", { bubbles: true }));
  };

  // The map's script comes in two dozen files: fetched once there is nothing else to do, they are
  // there when the map is asked for.
  const fetchMap = () => {
    const library = (window._JUPYTERLAB || {})["jupyter-leaflet"];
    if (library && window.requestIdleCallback) requestIdleCallback(() => library.get("./index"));
  };

  const follow = (out) => {
    const { query, language, theme } = out.dataset;
    // Setting an attribute, even to what it is, styles the whole page anew: 40 ms at every move of a slider.
    if (root.lang !== language) root.lang = language;
    if (!greeted) {
      greeted = true;
      fetchMap();
      if (root.dataset.mgTheme && root.dataset.mgTheme !== theme) {
        tell({ theme: root.dataset.mgTheme, at: Date.now() });
        return;
      }
      tell({ at: Date.now() });
    }
    if (theme === "auto") {
      delete root.dataset.mgTheme;
      if (memory) memory.removeItem("microgrid.theme");
    } else {
      if (root.dataset.mgTheme !== theme) root.dataset.mgTheme = theme;
      if (memory) memory.setItem("microgrid.theme", theme);
    }
    if (query === shown) return;
    const address = `${location.pathname}?${query}`;
    if (shown === null) history.replaceState({ query }, "", address);
    else if (!history.state || history.state.query !== query) history.pushState({ query }, "", address);
    shown = query;
  };

  const press = (selector, attribute) => {
    for (const button of document.querySelectorAll(selector)) {
      const on = String(button.classList.contains("mod-active"));
      if (button.getAttribute(attribute) !== on) button.setAttribute(attribute, on);
    }
  };

  const name = () => {
    for (const group of document.querySelectorAll(".widget-toggle-buttons")) {
      const label = group.querySelector(".widget-label");
      const buttons = group.querySelector(".widget-toggle-button")?.parentElement;
      if (label && buttons && buttons.getAttribute("aria-label") !== label.textContent) {
        buttons.setAttribute("role", "group");
        buttons.setAttribute("aria-label", label.textContent);
      }
    }
    for (const button of document.querySelectorAll(".mg-square[title], .mg-step[title]")) {
      if (button.getAttribute("aria-label") !== button.title) {
        button.setAttribute("aria-label", button.title);
      }
    }
    for (const map of document.querySelectorAll(".mg-map .leaflet-container")) {
      const label = map.closest(".mg-map").querySelector(".mg-map-label")?.textContent;
      if (label && map.getAttribute("aria-label") !== label) {
        map.setAttribute("role", "application");
        map.setAttribute("aria-label", label);
      }
    }
    // "Choose a file (0)": the count says nothing where there is one file at most.
    for (const { lastChild: text } of document.querySelectorAll(".mg-upload")) {
      if (/ \(\d+\)$/.test(text?.data)) text.data = text.data.replace(/ \(\d+\)$/, "");
    }
    press(".mg-periods .widget-toggle-button, .mg-chart-actions .widget-toggle-button", "aria-pressed");
    press(".mg-tabs .widget-toggle-button", "aria-pressed");
  };

  const look = () => {
    const out = document.querySelector(".mg-bridge-out");
    if (out) follow(out);
    name();
    refocus();
  };

  // Buttons inside HTML: what they send goes into the hidden field beside them.
  let sent = null;
  const send = (near, message) => {
    const field = near.closest(".mg-sends")?.querySelector(".mg-inbox input");
    if (!field) return;
    field.value = `${message} ${Date.now()}`;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  };
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest("[data-mg-send]");
    sent = button ? button.dataset.mgSend : null;
    if (button) send(button, sent);
  });
  // The answer writes the table anew, without the button that had the focus: give it back.
  const refocus = () => {
    if (sent === null || document.activeElement !== document.body) return;
    document.querySelector(`[data-mg-send="${CSS.escape(sent)}"]`)?.focus();
  };

  // A file too large for the connection would end it: the kernel hears of it instead. The field is
  // no part of the page (ipywidgets keeps it to itself), so it is caught where it is clicked.
  let uploading = null;
  document.addEventListener(
    "click",
    (event) => {
      uploading = event.target instanceof Element ? event.target.closest(".mg-upload") : null;
    },
    true,
  );
  const refuseLarge = (event) => {
    const [file] = event.target.files;
    const [, most] = /mg-most-(\d+)/.exec(uploading?.className) || [];
    if (!file || !most || file.size <= Number(most)) return;
    event.stopImmediatePropagation();
    send(uploading, `large:${file.name}`);
  };
  const click = HTMLInputElement.prototype.click;
  HTMLInputElement.prototype.click = function () {
    if (uploading && this.type === "file") this.addEventListener("change", refuseLarge, true);
    return click.call(this);
  };

  // bqplot's pointer sleeps until it is clicked: wake it when the mouse moves over the chart.
  document.addEventListener("pointermove", (event) => {
    const area = event.target;
    if (!(area instanceof Element) || !area.matches(".bqplot .selectormouse")) return;
    const line = area.parentElement.querySelector(".indsel");
    if (line && line.getAttribute("visibility") === "hidden") area.dispatchEvent(new MouseEvent("click"));
  });

  // Buttons inside a piece of HTML: what is pressed goes into the hidden field of the same box.
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest("[data-pick]");
    const field = button && button.closest(".mg-picks")?.querySelector(".mg-pick-in input");
    if (!field) return;
    field.value = button.dataset.pick;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  });

  // Arrow keys go from cell to cell of a grid; one Tab leaves it.
  const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  document.addEventListener("keydown", (event) => {
    const step = steps[event.key];
    const cell = event.target;
    if (!step || !(cell instanceof Element) || !cell.matches("[data-arrows] td[role]")) return;
    const rows = [...cell.closest("tbody").rows].map((row) => [...row.cells].filter((c) => c.matches("td")));
    const row = rows.findIndex((cells) => cells.includes(cell));
    const next = rows[row + step[0]]?.[rows[row].indexOf(cell) + step[1]];
    event.preventDefault();
    if (!next) return;
    cell.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });

  let asked = false;
  new MutationObserver(() => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      look();
    });
  }).observe(root, {
    subtree: true,
    childList: true,
    attributes: true,
    attributeFilter: ["class", "title"],
  });

  window.addEventListener("popstate", (event) => {
    const query = event.state && event.state.query;
    if (!query) return;
    shown = query;
    tell({ query, at: Date.now() });
  });

  // A page left alone loses its kernel: say so, and offer the same view again.
  const asleep = () => {
    if (document.querySelector(".mg-asleep")) return;
    const bar = document.createElement("div");
    bar.className = "mg-asleep";
    bar.setAttribute("role", "alert");
    const link = document.createElement("a");
    link.href = location.href;
    link.textContent =
      root.lang === "fr" ? "Session terminée. Recharger la page." : "This session has ended. Load the page again.";
    bar.append(link);
    document.body.append(bar);
  };
  const lookAlive = async () => {
    const config = document.getElementById("jupyter-config-data");
    if (document.visibilityState !== "visible" || !config) return;
    const { baseUrl, kernelId } = JSON.parse(config.textContent);
    try {
      const answer = await fetch(`${baseUrl}api/kernels/${kernelId}`);
      // Not there any more, or no longer ours.
      if (answer.status === 404 || answer.status === 403) asleep();
    } catch {
      asleep();
    }
  };
  document.addEventListener("visibilitychange", lookAlive);
  setInterval(lookAlive, 30000);
})();
