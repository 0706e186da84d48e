// The theme, before the page is first painted: as the system has it, or as the reader chose.

"use strict";

{
  const THEMES = ["system", "light", "dark"];
  const root = document.documentElement;

  const read = () => {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null; // storage may be switched off
    }
  };

  const apply = (theme) => {
    root.dataset.theme = THEMES.includes(theme) ? theme : "system";
  };

  const label = () => {
    const theme = root.dataset.theme;
    const button = document.getElementById("theme");
    button.querySelector("use").setAttribute("href", `#icon-${theme}`);
    button.querySelector("span").textContent = theme[0].toUpperCase() + theme.slice(1);
    button.setAttribute("aria-label", `Theme: ${theme}`);
  };

  apply(read());
  document.addEventListener("DOMContentLoaded", () => {
    label();
    document.getElementById("theme").addEventListener("click", () => {
      apply(THEMES[(THEMES.indexOf(root.dataset.theme) + 1) % THEMES.length]);
      label();
      try {
        localStorage.setItem("theme", root.dataset.theme);
      } catch {
        // then it lasts as long as the page
      }
    });
  });
}
