// Buttons that copy the text they stand beside. Without it a click on the text selects all of it.

// Over plain http there is no navigator.clipboard: select it and let the browser copy the selection.
async function copy(text) {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text.textContent);
      return true;
    } catch {
      // refused: the old way
    }
  }
  getSelection().selectAllChildren(text);
  try {
    return document.execCommand("copy");
  } catch {
    return false;
  }
}

for (const button of document.querySelectorAll("[data-copy]")) {
  const words = button.innerHTML;
  button.hidden = false;
  button.addEventListener("click", async () => {
    button.textContent = (await copy(document.getElementById(button.dataset.copy))) ? "Copied" : "Selected: copy it now";
    setTimeout(() => (button.innerHTML = words), 3000);
  });
}
