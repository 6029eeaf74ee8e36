// What Voilà's own script expects of the page; Voilà writes it inline, our content policy forbids
// that.
(() => {
  "use strict";
  window.update_loading_text = () => {};
  window.voila_finish = () => {
    if (!window.themeLoaded) {
      window.cellLoaded = true;
      return;
    }
    document.getElementById("loading")?.remove();
    const cells = document.getElementById("rendered_cells");
    if (cells) cells.style.display = "";
  };
})();
