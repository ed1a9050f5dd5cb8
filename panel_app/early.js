// What a page does before its wire is up: colours at once, no lost clicks, no file that opens by being dropped.
(() => {
  const root = document.documentElement
  const KEY = "gristmill-theme"
  const NEXT = { auto: "light", light: "dark", dark: "auto" }
  const NAMES = { auto: "as the system", light: "light", dark: "dark" }

  function colours(choice) {
    root.dataset.choice = choice
    if (choice === "auto") delete root.dataset.theme
    else root.dataset.theme = choice
    const button = document.getElementById("theme")
    button?.setAttribute("aria-label", `Colours: ${NAMES[choice]}. Change to ${NAMES[NEXT[choice]]}.`)
    button?.setAttribute("title", `Colours: ${NAMES[choice]}`)
  }

  const stored = () => { const choice = localStorage.getItem(KEY); return choice in NEXT ? choice : "auto" }
  colours(stored())
  document.addEventListener("DOMContentLoaded", () => colours(stored()))
  window.addEventListener("storage", (event) => { if (event.key === KEY) colours(stored()) })

  window.heldClicks = []
  document.addEventListener("click", (event) => {
    if (event.target.closest("#theme")) {
      const choice = NEXT[stored()]
      if (choice === "auto") localStorage.removeItem(KEY)
      else localStorage.setItem(KEY, choice)
      colours(choice)
      return
    }
    const button = event.target.closest("[data-do]")
    if (button && !root.dataset.wire) {
      event.preventDefault()
      window.heldClicks.push(button)
    }
  }, true)
  for (const name of ["dragover", "drop"]) document.addEventListener(name, (event) => event.preventDefault())
})()
