// @ts-check
/**
 * Applies the chosen theme before the page is shown, so that a dark one does not flash. It is a classic
 * script, so that it runs before the modules load.
 *
 * It must never do more: the choice itself belongs to the page.
 */

(() => {
  try {
    const choice = JSON.parse(localStorage.getItem("theme") ?? "null");
    if (choice === "light" || choice === "dark") document.documentElement.dataset.theme = choice;
  } catch {
    // Not JSON, or no storage: the system's theme stays.
  }
})();
