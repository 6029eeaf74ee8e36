// Voilà insists on a MathJax; these pages have no formulas, so this one does nothing.
(() => {
  "use strict";
  const nothing = () => undefined;
  window.MathJax = {
    Hub: { Config: nothing, Configured: nothing, Queue: nothing, Register: { StartupHook: nothing } },
  };
})();
