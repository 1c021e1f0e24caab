// A classic script, so that it runs whatever becomes of the modules: says when one could not be loaded.

addEventListener(
  "error",
  ({ target }) => {
    if (!(target instanceof HTMLScriptElement)) return;
    document.body.dataset.state = "error";
    document.getElementById("state").textContent = "This page could not be loaded";
    document.getElementById("hint").textContent =
      "A part of it did not arrive. Is the server running? Reload the page to try again.";
  },
  true,
);
