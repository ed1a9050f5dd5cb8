// An editor of one cell: a plain textarea, over the same text in colours. The keys are those of Jupyter; Escape leaves
// it for the buttons, so that Tab can indent and nobody is caught in it.

const KEYWORDS = "False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield match case"
const BUILTINS = "abs all any bool dict display enumerate filter float int isinstance len list map max min open print range reversed round set sorted str sum tuple type zip"
const words = (list) => `\\b(?:${list.split(" ").join("|")})\\b`
const STRING = String.raw`[rbfuRBFU]{0,2}(?:"""[\s\S]*?(?:"""|$)|'''[\s\S]*?(?:'''|$)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?)`
const TOKEN = new RegExp(`(?<c1>#[^\\n]*)|(?<s1>${STRING})|(?<nd>@[\\w.]+)|(?<mi>\\b\\d[\\w.]*)|(?<k>${words(KEYWORDS)})|(?<nb>${words(BUILTINS)})`, "g")
const INDENT = "    "

function coloured(code) {
  const parts = []
  let at = 0
  for (const match of code.matchAll(TOKEN)) {
    parts.push(code.slice(at, match.index))
    const span = document.createElement("span")
    span.className = Object.keys(match.groups).find((name) => match.groups[name] !== undefined)
    span.textContent = match[0]
    parts.push(span)
    at = match.index + match[0].length
  }
  return [...parts, code.slice(at), "\n"]
}

// The start of the first line and the end of the last line of what is selected.
function lines(text) {
  const start = text.value.lastIndexOf("\n", text.selectionStart - 1) + 1
  const end = text.value.indexOf("\n", text.selectionEnd)
  return [start, end < 0 ? text.value.length : end]
}

// Writes as if it were typed, so that undo takes it back.
function write(text, start, end, replacement) {
  text.setSelectionRange(start, end)
  document.execCommand(replacement ? "insertText" : "delete", false, replacement)
}

function eachLine(text, change) {
  const [start, end] = lines(text)
  const from = text.selectionStart
  const before = text.value.slice(start, end)
  const after = before.split("\n").map(change).join("\n")
  if (after === before) return
  write(text, start, end, after)
  if (before.includes("\n")) text.setSelectionRange(start, start + after.length)
  else text.setSelectionRange(...Array(2).fill(Math.max(start, from + after.length - before.length)))
}

function tab(text, back) {
  const several = text.value.slice(text.selectionStart, text.selectionEnd).includes("\n")
  if (back) eachLine(text, (line) => line.replace(/^( {1,4}|\t)/, ""))
  else if (several) eachLine(text, (line) => line && INDENT + line)
  else {
    const column = text.selectionStart - lines(text)[0]
    write(text, text.selectionStart, text.selectionEnd, " ".repeat(4 - (column % 4)))
  }
}

function comment(text) {
  const chosen = text.value.slice(...lines(text)).split("\n").filter((line) => line.trim())
  const off = chosen.every((line) => /^\s*#/.test(line))
  eachLine(text, (line) => (off ? line.replace(/^(\s*)# ?/, "$1") : line.trim() ? line.replace(/^(\s*)/, "$1# ") : line))
}

function enter(text) {
  const line = text.value.slice(lines(text)[0], text.selectionStart)
  const indent = line.match(/^\s*/)[0] + (/:\s*(#.*)?$/.test(line) ? INDENT : "")
  write(text, text.selectionStart, text.selectionEnd, `\n${indent}`)
}

// A textarea in colours. `run` is called for Ctrl+Enter or Shift+Enter, `leave` for Escape, `changed` with each change.
export function editor(source, label, { run, leave, changed }) {
  const pad = document.createElement("div")
  pad.className = "pad code"
  const colours = document.createElement("pre")
  colours.setAttribute("aria-hidden", "true")
  const text = document.createElement("textarea")
  text.value = source
  text.spellcheck = false
  text.autocapitalize = "off"
  text.autocomplete = "off"
  text.setAttribute("aria-label", label)
  const paint = () => colours.replaceChildren(...coloured(text.value))
  text.addEventListener("input", () => { paint(); changed(text.value) })
  text.addEventListener("keydown", (event) => {
    const command = event.ctrlKey || event.metaKey
    if (event.isComposing) return
    if (event.key === "Enter" && (command || event.shiftKey)) run()
    else if (event.key === "Enter") enter(text)
    else if (event.key === "Tab" && !command && !event.altKey) tab(text, event.shiftKey)
    else if (event.key === "Escape") leave()
    else if (event.key === "/" && command) comment(text)
    else return
    event.preventDefault()
  })
  paint()
  pad.append(colours, text)
  return { pad, text }
}
