// A typed question: the fields of its form, and the columns that the chosen files have, as far as their text shows it.
const byId = (id) => document.getElementById(id)

// The names in the first line of a text file, by whichever sign parts it most often; quoted ones may hold that sign.
export function header(text) {
  const first = text.replace(/^\uFEFF/, "").split(/\r?\n/, 1)[0]
  const count = (sign) => first.split(sign).length
  const sign = [",", ";", "\t", "|"].reduce((best, one) => (count(one) > count(best) ? one : best))
  const names = []
  let name = ""
  let quoted = false
  for (const letter of first) {
    if (letter === '"') quoted = !quoted
    else if (letter === sign && !quoted) { names.push(name); name = "" }
    else name += letter
  }
  return [...names, name].map((one) => one.trim()).filter(Boolean)
}

async function columns(files) {
  const texts = files.filter((file) => /\.(csv|tsv|txt)$/i.test(file.name))
  const heads = await Promise.all(texts.map((file) => file.slice(0, 65536).text().catch(() => "")))
  return [...new Set(heads.flatMap(header))]
}

function options(box, names) {
  box.replaceChildren(...names.map((name) => new Option(name, name)))
}

export class Typed {
  constructor() {
    this.box = byId("ask-typed")
    this.box.addEventListener("toggle", () => this.fit())
    this.fields = [...document.querySelectorAll("[data-typed]")]
    this.read = 0 // of several looks at the files the last counts
    for (const field of this.fields) field.addEventListener("input", () => this.fit())
    this.fit()
  }

  // Fields that the chosen statistic or operator has no use for are not shown; with a statistic no sentence is needed.
  fit() {
    const { op, operator } = this.values(false)
    const chosen = byId("typed-op").selectedOptions[0].dataset
    byId("typed-other-field").hidden = chosen.pair === undefined
    byId("typed-p-field").hidden = op !== "quantile"
    byId("typed-of-field").hidden = op === "share"
    byId("typed-right-field").hidden = operator === "missing" || operator === "present"
    byId("ask-question").required = !(op && this.box.open)
  }

  async files(files) {
    const mine = ++this.read
    const table = byId("typed-table")
    const was = table.value
    options(table, files.map((file) => file.name))
    if (files.some((file) => file.name === was)) table.value = was
    byId("typed-table-field").hidden = files.length < 2
    const names = await columns(files)
    if (mine === this.read) options(byId("typed-columns"), names)
  }

  // What is filled in, without the fields that are not shown: of a closed form nothing.
  values(shown = true) {
    if (shown && !this.box.open) return {}
    const used = this.fields.filter((field) => !shown || !field.closest("[hidden]"))
    return Object.fromEntries(used.map((field) => [field.dataset.typed, field.value]))
  }
}
